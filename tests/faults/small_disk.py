"""A disk of a few megabytes: a tmpfs in a mount namespace that a process of ours holds."""

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from attrs import frozen


@frozen
class SmallDisk:
    """Mounted on `folder`, for those who enter the holder's namespace."""

    folder: Path
    holder: subprocess.Popen[str]

    @classmethod
    def mount(cls, folder: Path, *, megabytes: int) -> "SmallDisk":
        """Raises `OSError` where mounting is not permitted."""
        script = f'mount -t tmpfs -o mode=700,size={megabytes}m none "$0" && echo up && exec cat'
        holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert holder.stdout is not None
        if holder.stdout.readline() != "up\n":
            holder.wait()
            raise OSError(errno.EPERM, "mounting is not permitted")
        return cls(folder, holder)

    @property
    def command(self) -> Sequence[str]:
        """What stands before a command that is to see this disk."""
        return ("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", f"--wd={self.folder.parent}")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leaves no byte of it free."""
        filler = Path(f"/proc/{self.holder.pid}/root{self.folder}/filler")
        with filler.open("wb", buffering=0) as file:
            for size in (65536, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            try:
                yield
            finally:
                os.truncate(filler, 0)

    def __enter__(self) -> "SmallDisk":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.holder.communicate()
