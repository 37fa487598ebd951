"""Where lines go for which nobody may wait: to a terminal or a file, each by a thread of its own.

Rules:

- Who has a line hands it over and goes on, whether somebody reads it or not.
- What finds no room is dropped and counted, and the number is told once there is room again.
- The end gives each sink a moment and leaves behind what does not use it. Its thread is a daemon,
  and writes to a terminal past Python's own streams: the interpreter waits for their locks at its
  end, and one who hangs in a write would hold them.
"""

import io
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from time import sleep
from typing import Generic, TextIO, TypeVar

from runtime import SECONDS

Line = TypeVar("Line")

ROOM = 1_000
"""Lines that may wait: more than a screen shows, and less than a megabyte."""

TERMINAL_MOMENT = 0.5 * SECONDS
"""For what the terminal has not taken at the end. One that is read takes it in a millisecond."""

FULL_PAUSE = 0.05 * SECONDS
"""Between two tries of a pipe that does not block, but is full."""


class Sink(Generic[Line]):
    """Hands lines to `write`, one after another, in a thread of its own.

    `write` may take as long as it likes, and must not raise. `missing` makes a line of how many
    were dropped.
    """

    def __init__(self, write: Callable[[Line], object], missing: Callable[[int], Line]) -> None:
        self._write = write
        self._missing = missing
        self._lines: list[Line] = []
        self._dropped = 0
        self._is_writing = self._is_closed = False
        # Held for as long as it takes to move a reference, and never while something is written.
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)
        self._thread.start()

    def put(self, line: Line) -> None:
        """Has it written, in its turn. Never waits."""
        with self._changed:
            if len(self._lines) < ROOM and not self._dropped:
                self._lines.append(line)
            else:  # until the thread comes back for all that waits: then the number is in its place
                self._dropped += 1
            self._changed.notify_all()

    def settle(self, moment: float) -> None:
        """Waits until all is written, but no longer than so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._is_writing, moment)

    def close(self, moment: float) -> bool:
        """The same for the last time; whether all is written."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(moment)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines or self._is_closed)
                lines, self._lines = self._lines, []
                dropped, self._dropped = self._dropped, 0
                self._is_writing = True
            if not lines:
                return
            for line in lines:
                self._write(line)
            if dropped:
                self._write(self._missing(dropped))


class Screen(io.TextIOBase):
    """Takes the place of `sys.stdout` or `sys.stderr`, and never blocks who writes."""

    def __init__(self, stream: TextIO | None) -> None:
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        write = _writer(stream, self._encoding)
        self._sink: Sink[str] = Sink(write, "agent-runtime: … {} lines not shown\n".format)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError("a text is due")  # click asks in this way what a stream takes
        self._sink.put(text)
        return len(text)

    def settle(self) -> None:
        """Waits a moment for what was written here to arrive."""
        self._sink.settle(TERMINAL_MOMENT)

    def end(self) -> None:
        """The same for the last time."""
        self._sink.close(TERMINAL_MOMENT)


@contextmanager
def unblocked_terminal() -> Iterator[None]:
    """In the block, nobody waits for the terminal, nor for what stands in its place.

    A bug that ends the block is shown here, and turned into exit code 1: Python itself would wait.
    """
    with ExitStack() as at_the_end:
        out, err = Screen(sys.stdout), Screen(sys.stderr)
        at_the_end.callback(out.end)
        at_the_end.callback(err.end)
        at_the_end.enter_context(redirect_stdout(out))
        at_the_end.enter_context(redirect_stderr(err))
        try:
            yield
        except Exception:
            traceback.print_exc()
            sys.exit(1)


def settle_terminal() -> None:
    """Before the process ends at once: gives the terminal a moment for the last words."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Screen):
            stream.settle()


def _writer(stream: TextIO | None, encoding: str) -> Callable[[str], object]:
    """What writes to where the stream leads. What cannot be written is lost: it may be gone."""
    if stream is None:
        return len
    try:
        raw = open(stream.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115
    except (OSError, ValueError):
        return stream.write  # a test's own, in memory

    def write(text: str) -> None:
        data = memoryview(text.encode(encoding, "backslashreplace"))
        with suppress(OSError):
            while data:
                written = raw.write(data)
                if written is None:
                    sleep(FULL_PAUSE)
                else:
                    data = data[written:]

    return write
