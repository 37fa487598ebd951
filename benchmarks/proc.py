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


def peak_bytes(pid: int) -> int:
    """The most that the process has had of the machine's memory at one time."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def forget(file: Path) -> None:
    """Takes a file that is on the disk out of the system's page cache: it is read from there next.

    Nobody of this process may have it open: closing it would drop SQLite's locks on it.
    """
    number = os.open(file, os.O_RDONLY)
    try:
        os.fsync(number)  # what is still to be written would stay
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(number)
