"""Where something was measured: absolute figures mean nothing without it."""

import os
import platform
import sqlite3
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.measure import Timer

PACKAGES = ("trio", "quart", "quart-trio", "hypercorn", "msgspec", "attrs")
SYNCS, QUICK_SYNCS = 200, 5
"""That say how fast the disk is; a disk that others keep busy takes half a minute for the many."""


def describe(folder: Path, *, quick: bool = False) -> dict[str, str]:
    """The machine in a few words; `folder` is on the disk that the databases are on."""
    syncs = QUICK_SYNCS if quick else SYNCS
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "fsync": f"{sync_seconds(folder, syncs) * 1e6:.0f} µs for 4 KiB, median of {syncs}",
    }


def sync_seconds(folder: Path, syncs: int) -> float:
    """How long the disk takes to write one page and sync it, in seconds: no commit is faster."""
    seconds = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(syncs):
            timer = Timer()
            os.pwrite(file.fileno(), b"\0" * 4096, 0)
            os.fsync(file.fileno())
            seconds.append(timer.seconds)
    return median(seconds)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
