"""A service as a user starts it: how long until its first answer, and its memory right then."""

import json
import os
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from benchmarks.measure import Timer
from benchmarks.proc import resident_bytes

COMMAND = str(Path(sys.executable).with_name("agent-runtime"))
FIRST = "/api/v1/sessions?limit=20"
PATIENCE = 60.0
"""Seconds for that answer."""


@frozen
class Start:
    """One start of the service."""

    seconds: float
    """From the start of the process to the last byte of the first answer."""
    memory: int
    """Bytes of the process's resident set right after that."""
    sessions: int
    """How many the service says there are."""


def start(path: Path) -> Start:
    """Starts the service on this database, asks for a list of 20 sessions, and ends it."""
    # As it is for a user: Python keeps what it has compiled.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    timer = Timer()
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--db", str(path)],
        cwd=path.parent,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("agent-runtime on http"), f"it did not start: {line!r}"
            answer = _get(line.split()[2])
            seconds = timer.seconds
            memory = resident_bytes(process.pid)
        finally:
            process.terminate()
    assert process.returncode == 0, f"it ended with exit code {process.returncode}"
    return Start(seconds, memory, json.loads(answer)["total"])


def _get(url: str) -> bytes:
    address = urlsplit(url)
    with closing(HTTPConnection(address.netloc, timeout=PATIENCE)) as connection:
        connection.request("GET", FIRST)
        answer = connection.getresponse()
        assert answer.status == 200, f"{FIRST}: {answer.status} {answer.reason}"
        return answer.read()
