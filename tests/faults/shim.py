"""A disk that fails on demand: builds `shim.c`, and starts a service upon it."""

import errno
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from tests.service import COMMAND, Service, started

SOURCE = Path(__file__).with_name("shim.c")
READS, WRITES, SYNCS = range(3)
STALLED = 255
"""In place of an errno: the call waits until this is over."""


@frozen
class Disk:
    """What the shim is told. Works as long as nothing else is said."""

    library: Path
    control: Path

    @classmethod
    def build(cls, folder: Path) -> "Disk":
        """Compiles the shim into the folder. Raises `OSError` where there is no gcc."""
        library = folder / "shim.so"
        if not library.exists():
            built = subprocess.run(
                ["gcc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"],
                capture_output=True,
                text=True,
                check=False,
            )
            if built.returncode:
                raise OSError(errno.ENOEXEC, f"the shim cannot be built: {built.stderr[:500]}")
        control = folder / "control"
        control.write_bytes(bytes(3))
        return cls(library, control)

    def set(self, fault: int, *kinds: int) -> None:
        """Lets these kinds of calls fail with this errno, and all others work."""
        with self.control.open("r+b") as control:
            control.write(bytes(fault if kind in kinds else 0 for kind in range(3)))

    @contextmanager
    def failing(self, fault: int, *kinds: int) -> Iterator[None]:
        """The same, until the block ends."""
        self.set(fault, *kinds)
        try:
            yield
        finally:
            self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "FAULTS_CONTROL": str(self.control)}


@contextmanager
def serving(
    folder: Path,
    *options: str,
    disk: Disk | None = None,
    within: Sequence[str] = (),
    program: Sequence[str] = (COMMAND,),
) -> Iterator[Service]:
    """A service in `folder`, on `disk`, its command line behind that of `within`.

    `program` is what is started in place of `agent-runtime`.
    """
    arguments = [*within, *program, "serve", "--port", "0", "--log-file", "", *options]
    environment = disk.environment if disk is not None else {}
    said = folder / "terminal"
    with (
        said.open("w") as terminal,
        _explained(said),
        started(arguments, folder, environment=environment, stderr=terminal) as service,
    ):
        try:
            yield service
        finally:
            if disk is not None:
                disk.set(0)  # a thread that stalls in the kernel's place cannot be killed before


@contextmanager
def _explained(said: Path) -> Iterator[None]:
    """An error in the block, such as a start that failed, says what the service said last."""
    try:
        yield
    except Exception as error:
        error.add_note(f"The service said: {said.read_text()[-2_000:]}")
        raise
