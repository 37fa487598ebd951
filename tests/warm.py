"""Processes that are forked off one that has imported everything, see `tests.forker`.

A service spends most of its start on imports, and the tests start hundreds. What is forked is a
process like any other: it has a folder, an environment and streams of its own, may be killed, and
ends with an exit code. Only pytest has it so, on Linux. Elsewhere, and in the campaigns, which
measure memory, every Python starts by itself; so does one whose start a test is about.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Self

from attrs import define, field

ROOT = Path(__file__).parent.parent

COMMAND = str(Path(sys.executable).with_name("agent-runtime"))

Stream = IO[str] | int | None
"""As `subprocess.Popen` takes it; None is that of this process."""


@define(eq=False)
class Forked:
    """What `subprocess.Popen` is to those who look after a process."""

    args: Sequence[str]
    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    stderr: IO[str] | None
    _told: int
    """The pipe that is told the exit code."""
    returncode: int | None = None
    _lock: Lock = field(factory=Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        """Closes its pipes and waits for its end."""
        for pipe in (self.stdout, self.stderr, self.stdin):
            if pipe is not None:
                pipe.close()
        self.wait()

    def poll(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        return self._code_after(0)

    def wait(self, timeout: float | None = None) -> int:
        """The same, when it has ended. Raises `subprocess.TimeoutExpired`."""
        code = self._code_after(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, sig: int) -> None:
        """Nothing if it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended, and its code is on the way to us
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _code_after(self, seconds: float | None) -> int | None:
        if not self._lock.acquire(blocking=seconds != 0):
            return None  # another thread waits for the end
        try:
            if self.returncode is None and _is_told(self._told, seconds):
                self.returncode = int(os.read(self._told, 20))
                os.close(self._told)
            return self.returncode
        finally:
            self._lock.release()


Process = Forked | subprocess.Popen[str]


def _is_told(pipe: int, seconds: float | None) -> bool:
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    return bool(waiting.poll(None if seconds is None else seconds * 1000))


@define(eq=False)
class Forker:
    """The process that forks."""

    _orders: socket.socket
    _lock: Lock = field(factory=Lock)

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Forker"]:
        """It goes with the block; what it forked does not."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.forker", str(its.fileno())],
            cwd=ROOT,
            stdin=subprocess.PIPE,  # as most of those have it that it forks
            stdout=subprocess.PIPE,
            pass_fds=[its.fileno()],
        ):
            its.close()
            with ours:
                yield cls(ours)

    def start(
        self,
        code: str,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Sequence[Stream],
    ) -> Forked:
        """Runs `code`; the first of the arguments is the name of the program."""
        order = {
            "code": code,
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "umask": _umask(),
        }
        with ExitStack() as lent:
            ends = [_lend(lent, stream, number) for number, stream in enumerate(streams)]
            told, telling = os.pipe()
            lent.callback(os.close, telling)
            descriptors = [*(its for its, _ in ends), telling]
            with self._lock:
                socket.send_fds(self._orders, [json.dumps(order).encode()], descriptors)
        pid = b""
        while not pid.endswith(b"\n"):
            pid += os.read(told, 1) or b"is gone\n"
        stdin, stdout, stderr = (ours for _, ours in ends)
        return Forked(arguments, int(pid), stdin, stdout, stderr, told)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _lend(lent: ExitStack, stream: Stream, number: int) -> tuple[int, IO[str] | None]:
    """A descriptor for the process, and our end of it if it is a pipe."""
    if stream is None:
        return number, None
    if stream == subprocess.PIPE:
        reading, writing = os.pipe()
        its, ours, mode = (reading, writing, "w") if number == 0 else (writing, reading, "r")
        lent.callback(os.close, its)
        return its, os.fdopen(ours, mode)
    return (stream if isinstance(stream, int) else stream.fileno()), None


@define(eq=False)
class _Forkers:
    """The one of this process, which begins when it is first asked for."""

    _stack: ExitStack
    _begun: Forker | None = None
    _lock: Lock = field(factory=Lock)

    def get(self) -> Forker:
        with self._lock:
            if self._begun is None:
                self._begun = self._stack.enter_context(Forker.open())
            return self._begun


_forkers: _Forkers | None = None


@contextmanager
def warm() -> Iterator[None]:
    """In the block Pythons are forked, where that is possible. The first one waits for imports."""
    global _forkers
    if not hasattr(os, "pidfd_open"):
        yield
        return
    with ExitStack() as stack:
        _forkers = _Forkers(stack)
        try:
            yield
        finally:
            _forkers = None


def start(
    arguments: Sequence[str],
    folder: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
) -> Process:
    """What this command line names; `environment` is beside what this process has."""
    full = {**os.environ, **(environment or {})}
    program = _program(arguments)
    if _forkers is None or program is None or _matters_to_a_start(environment or {}):
        return subprocess.Popen(
            arguments, cwd=folder, env=full, stdin=stdin, stdout=stdout, stderr=stderr, text=True
        )
    streams = (stdin, stdout, stderr)
    return _forkers.get().start(*program, folder or Path.cwd(), full, streams)


def _program(arguments: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """The code and its arguments, if it is a Python that can be forked."""
    match arguments:
        case [program, *_] if program == COMMAND:
            return "from web.cli.entrance import main; main()", arguments
        case [python, "-c", code, *rest] if python == sys.executable:
            return code, ["-c", *rest]
        case [python, "-m", name, *rest] if python == sys.executable:
            code = f"import runpy; runpy.run_module({name!r}, None, '__main__', alter_sys=True)"
            return code, ["-m", *rest]
        case _:
            return None


def _matters_to_a_start(names: Iterable[str]) -> bool:
    return any(name.startswith(("LD_", "PYTHON")) for name in names)
