"""How much a transaction writes: the frames that it adds to the WAL.

A changed page goes into the WAL whole, as one frame, however little of it has changed. So pages,
not bytes of messages, are what an append costs the disk, and they can be counted: the same number
on every machine. The layout of the file is published: https://www.sqlite.org/walformat.html
"""

import os
from bisect import bisect_left
from pathlib import Path

from attrs import frozen

PAGE = 4096
"""Bytes of a page: SQLite's default, which every database here has."""

_HEADER, _FRAME_HEADER = 32, 24
FRAME = _FRAME_HEADER + PAGE
"""Bytes of a frame."""

_SALT = 8
"""Bytes of the salt, in the header from byte 16 on, and in a frame's header from byte 8 on."""


@frozen
class Mark:
    """A place in a WAL."""

    salt: bytes
    """Another one whenever the WAL begins anew."""
    frames: int

    def since(self, before: "Mark") -> int:
        """Frames that the one transaction since then has added.

        A WAL that was copied into the database begins anew with the next transaction. So of one
        transaction all frames are known, and of several perhaps not.
        """
        return self.frames - (before.frames if before.salt == self.salt else 0)


def mark(database: Path) -> Mark:
    """How far the WAL of this database has come. Nobody may be writing."""
    # Closing a file drops the locks that this process has on it. SQLite locks the database and the
    # `-shm` file, but not the WAL, so this one may be opened beside it.
    with Path(f"{database}-wal").open("rb") as file:
        number = file.fileno()
        salt = os.pread(number, _SALT, 16)
        room = (os.fstat(number).st_size - _HEADER) // FRAME

        def is_old(frame: int) -> bool:
            return os.pread(number, _SALT, _HEADER + frame * FRAME + 8) != salt

        # Frames of an earlier turn stand behind the present ones, until they are overwritten.
        return Mark(salt, bisect_left(range(max(0, room)), True, key=is_old))
