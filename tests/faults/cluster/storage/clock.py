"""A database's wall clock that jumps: builds `clock.c`, and sets it."""

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

SOURCE = Path(__file__).with_name("clock.c")


@frozen
class WallClock:
    """What the library is told. The time is the system's as long as nothing else is said."""

    library: Path
    control: Path

    @classmethod
    def build(cls, folder: Path) -> "WallClock | None":
        """Compiles the library into the folder; `None` where there is no gcc."""
        if shutil.which("gcc") is None:
            return None
        library = folder / "clock.so"
        command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        clock = cls(library, folder / "clock")
        clock.jump(0)
        return clock

    def jump(self, seconds: int) -> None:
        """From now on the time is the system's and so much."""
        if not self.control.exists():
            self.control.write_bytes(bytes(8))
        with self.control.open("r+b") as control:
            control.write(struct.pack("=q", seconds))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self.library), "FAULTS_CLOCK": str(self.control)}
