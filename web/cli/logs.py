"""Where log lines go: to a file, through a thread of their own, and warnings to the terminal too.

The event loop only puts a record into a queue; a slow disk slows no request.
"""

import logging
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from time import gmtime

from runtime import MiB
from web.cli.traces import WithoutValues
from web.problems import CannotServe

FILE_SIZE = 10 * MiB
"""Where a new file is begun. Lines are rare (no request is logged): months of ordinary use."""

FILES_KEPT = 5


class PrivateLogFile(RotatingFileHandler):
    """Makes every file that it begins private, the first one and those after it."""

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        file = Path(self.baseFilename)
        if file.is_file():  # not /dev/stdout
            with suppress(PermissionError):  # another's: what it shows is the owner's decision
                file.chmod(0o600)  # one from before may be readable for others
        return super()._open()


@contextmanager
def open_log(file: Path | None, level: str) -> Iterator[None]:
    """Logs to `file` for as long as the block runs; `None`: only warnings, to the terminal.

    The file, and its folder if that is new, are made private. Raises `CannotServe` if that is not
    possible.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        handlers.append(_file_handler(file))
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = QueueListener(lines, *handlers, respect_handler_level=True)
    root = logging.getLogger()
    entrance = QueueHandler(lines)
    # Not the handlers: a traceback is made text before its record is put into the queue.
    entrance.setFormatter(WithoutValues())
    root.addHandler(entrance)
    root.setLevel(level.upper())
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(entrance)
        listener.stop()
        for handler in handlers:
            handler.close()


def _file_handler(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = PrivateLogFile(file, maxBytes=FILE_SIZE, backupCount=FILES_KEPT)
    except OSError as error:
        raise CannotServe(
            f"Cannot write the log to {file}: {error.strerror or error}",
            "Choose another place with --log-file, or none with --log-file ''.",
        ) from error
    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = gmtime
    handler.setFormatter(formatter)
    return handler
