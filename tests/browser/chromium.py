"""Chromium without a window: a new one for each test, and nothing of it stays."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATH = next((path for name in NAMES if (path := shutil.which(name))), None)

needs_chromium = pytest.mark.skipif(PATH is None, reason=f"none of {', '.join(NAMES)} is installed")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
)


@contextmanager
def showing(url: str, folder: Path) -> Iterator[None]:
    """A browser with an empty profile in `folder` shows this page while the block runs."""
    assert PATH is not None
    profile = folder / "profile"
    profile.mkdir()
    with (folder / "chromium.log").open("w") as log:
        # A session of its own: its children are in its group, and die with it.
        process = subprocess.Popen(
            [PATH, *FLAGS, f"--user-data-dir={profile}", url],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
