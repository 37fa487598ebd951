"""What Linux counts of a process, read from /proc."""

import os
from pathlib import Path


def resident_bytes(pid: int | str = "self") -> int:
    """The process's resident set: what it has of the machine's memory now."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def bytes_written() -> int:
    """What this process has written to files so far.

    Not what reaches the disk, which is whole pages of it: that is counted too, but only where the
    file system is on a disk.
    """
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])
