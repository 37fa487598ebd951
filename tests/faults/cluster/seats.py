"""Nodes as processes: each has a seat, which is a port and a gate to the database."""

import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from attrs import define, field

from tests.faults.cluster.clients.ways import Way
from tests.faults.cluster.ports import HOST, free_port
from tests.faults.cluster.storage.proxy import Gate
from tests.postgres.server import ADMIN
from tests.service import COMMAND, PATIENCE


@define(eq=False)
class Seat:
    """Where one node after the other runs, under one address."""

    number: int
    gate: Gate
    folder: Path
    database: str
    """Its name."""
    program: Sequence[str] = (COMMAND,)
    port: int = field(factory=free_port)
    process: "subprocess.Popen[str] | None" = None

    @property
    def name(self) -> str:
        return f"node {self.number}"

    @property
    def address(self) -> str:
        """What the node tells the others."""
        return f"{HOST}:{self.port}"

    @property
    def way(self) -> Way:
        return Way(self.name, f"http://{self.address}")

    @property
    def url(self) -> str:
        """Of the database, through the gate."""
        return f"postgresql://{ADMIN}@{HOST}:{self.gate.port}/{self.database}"

    @property
    def log(self) -> Path:
        return self.folder / f"node-{self.number}.log"

    def start(self) -> None:
        """Returns when the node answers. Raises `AssertionError` with what it said if it ends."""
        assert self.process is None, f"{self.name} runs"
        command = [*self.program, "serve", "--host", HOST, "--port", str(self.port)]
        command += ["--db", self.url, "--advertise", self.address, "--log-file", ""]
        with self.log.open("a") as said:
            process = subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.PIPE, stderr=said, text=True
            )
        self.process = process
        assert process.stdout is not None
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        line = process.stdout.readline()
        alarm.cancel()
        assert line.startswith("agent-runtime on http"), (
            f"{self.name} did not start: {line!r}, {self.said()}"
        )

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self, patience: float = PATIENCE) -> int | None:
        """Its exit code, once it has ended; `None` if it does not."""
        assert self.process is not None
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        _close(self.process.stdout)
        self.process = None
        return code

    def end(self) -> None:
        """At once, if there is anybody."""
        if self.process is not None:
            self.process.kill()
            self.ended()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def said(self) -> str:
        """The last of what it wrote to its terminal."""
        return self.log.read_text(errors="replace")[-500:] if self.log.exists() else ""


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        pipe.close()
