"""Files and folders that only their owner can read.

Nothing here opens a file that SQLite may have open: closing such a handle would drop the locks
that SQLite holds on the file in this process.
"""

import os
from errno import ENOTDIR
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def create_private_file(path: Path) -> None:
    """Creates an empty file. Raises `FileExistsError` if the name is taken, else `OSError`."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))


def create_private_folders(folder: Path) -> None:
    """Creates the folder and those above it that are missing. Raises `OSError`."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(ENOTDIR, "Not a folder", str(folder))
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(PRIVATE_FOLDER, exist_ok=True)
        sync(place.parent)


def sync(path: Path) -> None:
    """Waits until the file's content, or the folder's names, are on the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
