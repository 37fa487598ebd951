"""The log: where its lines go, and what they do not say.

A line goes to the file through a thread of its own: a slow disk slows no request. A warning goes to
the terminal as well, which makes nobody wait either (`sinks`).

An exception is shown by where it arose, and its type, whoever logged it. Never by its message, nor
notes, which may quote what a user wrote. The lines of code that a traceback shows quote nobody, nor
does the number of an operating system's error, which is shown as its name.
"""

import copy
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import errorcode
from io import TextIOWrapper
from logging.handlers import QueueHandler, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from time import gmtime
from traceback import format_tb
from types import TracebackType

from runtime import SECONDS, MiB
from web.cli.sinks import Sink
from web.problems import CannotServe

FILE_SIZE = 10 * MiB
"""Where a new file is begun. Lines are rare (no request is logged): months of ordinary use."""

FILES_KEPT = 5

FILE_MOMENT = 1 * SECONDS
"""For the lines that the disk has not taken at the end: a thousand take some milliseconds."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class WithoutValues(logging.Formatter):
    """Formats records, and exceptions without what they say."""

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_text:  # another handler's formatter was here first, and left its text
            record = copy.copy(record)
            record.exc_text = None
        return super().format(record)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 -- logging's own name
        return "" if ei[1] is None else "\n".join(_lines(ei[1], set()))


class PrivateLogFile(RotatingFileHandler):
    """Makes every file that it begins private, the first one and those after it."""

    _has_failed = False

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        file = Path(self.baseFilename)
        if file.is_file():  # not /dev/stdout
            with suppress(PermissionError):  # another's: what it shows is the owner's decision
                file.chmod(0o600)  # one from before may be readable for others
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 -- logging's own
        """Tells the terminal, once. Not as logging has it, which shows the line and its values."""
        if not self._has_failed:
            self._has_failed = True
            why = _kind(sys.exc_info()[1] or OSError())
            sys.stderr.write(f"WARNING lines of the log are lost: {why}\n")


class Entrance(QueueHandler):
    """Makes a record text, and hands it on to the thread that writes to the file."""

    def __init__(self, file: logging.Handler) -> None:
        super().__init__(SimpleQueue())  # not used: a sink knows what to do when it is full
        self._file = file
        self._sink: Sink[logging.LogRecord] = Sink(file.handle, _missing)
        self.setFormatter(WithoutValues())

    def enqueue(self, record: logging.LogRecord) -> None:
        self._sink.put(record)

    def flush(self) -> None:
        self._sink.settle(FILE_MOMENT)

    def close(self) -> None:
        if self._sink.close(FILE_MOMENT):
            self._file.close()
        super().close()


@contextmanager
def open_log(file: Path | None, level: str) -> Iterator[None]:
    """Logs to `file` for as long as the block runs; `None`: only warnings, to the terminal.

    The file, and its folder if that is new, are made private. Raises `CannotServe` if that is not
    possible.
    """
    handlers: list[logging.Handler] = [] if file is None else [Entrance(_file_handler(file))]
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(WithoutValues("%(levelname)s %(message)s"))
    handlers.append(terminal)
    root = logging.getLogger()
    root.setLevel(level.upper())
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
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


def _missing(lines: int) -> logging.LogRecord:
    return logging.LogRecord(
        __name__, logging.WARNING, "", 0, "%d lines are missing: the disk was slow", (lines,), None
    )


def _lines(error: BaseException, seen: set[int], margin: str = "") -> Iterator[str]:
    """A traceback's lines: what came before an exception first, as Python has it."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen, margin)
        yield f"{margin}and then, because of that or while it was dealt with:"
    for frame in format_tb(error.__traceback__):
        yield from (margin + line for line in frame.splitlines())
    yield margin + _kind(error)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _lines(inner, seen, margin + "  | ")


def _kind(error: BaseException) -> str:
    number = errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{kind} ({number})" if number else kind
