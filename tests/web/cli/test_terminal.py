"""A terminal that nobody reads, or that is gone, holds up nothing: no line, no answer, no end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import COMMAND, PATIENCE, Service, command, full_pipe, started
from tests.web.cli.given import HALF_A_REQUEST, address, log_of

SERVE = [COMMAND, "serve", "--port", "0"]
REFUSED = 40
"""Warnings, of which the first already meets a terminal that takes nothing."""


def warn(service: Service) -> None:
    """Has the service log warnings: somebody takes its only connection, and others want one."""
    with socket.create_connection(address(service)) as busy:
        busy.sendall(HALF_A_REQUEST)
        assert busy.recv(1024).startswith(b"HTTP/1.1 100 ")
        for _ in range(REFUSED):
            with socket.create_connection(address(service)) as refused:
                assert refused.recv(1024).startswith(b"HTTP/1.1 503 ")


def warnings_of(folder: Path) -> int:
    return len([line for line in log_of(folder).splitlines() if " WARNING " in line])


def test_a_service_whose_stderr_nobody_reads_logs_all_and_ends_in_order(tmp_path: Path) -> None:
    with (
        full_pipe() as pipe,
        started([*SERVE, "--max-connections", "1"], tmp_path, stderr=pipe) as service,
    ):
        warn(service)
        assert service.end() == 0
    assert warnings_of(tmp_path) == REFUSED
    assert log_of(tmp_path).endswith("SIGTERM: shutting down\n")


def test_a_second_signal_ends_it_also_when_nobody_reads_why(tmp_path: Path) -> None:
    with (
        full_pipe() as pipe,
        started([*SERVE, "--grace", "3600"], tmp_path, stderr=pipe) as service,
        socket.create_connection(address(service)) as busy,
    ):
        busy.sendall(HALF_A_REQUEST)
        assert busy.recv(1024).startswith(b"HTTP/1.1 100 ")
        service.process.send_signal(signal.SIGTERM)
        assert service.end(signal.SIGINT) == 6
    assert "a second signal came" in log_of(tmp_path)


def test_a_service_whose_stdout_nobody_reads_serves_and_ends(tmp_path: Path) -> None:
    with full_pipe() as pipe:
        process = subprocess.Popen(SERVE, cwd=tmp_path, stdout=pipe, stderr=pipe)
        try:
            log = tmp_path / "logs" / "agent-runtime.log"
            while not log.exists() or "Serving on" not in log.read_text():
                assert process.poll() is None
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("fault", "code"),
    [("raise RuntimeError('a bug')", 1), ("raise StoreBroken('gone')", 4)],
)
def test_a_failure_ends_it_also_when_nobody_reads_of_it(
    tmp_path: Path, fault: str, code: int
) -> None:
    program = (
        "import web.cli.terminal; from runtime import StoreBroken\n"
        f"def fail(*arguments):\n    {fault}\n"
        "web.cli.terminal.announce = fail\n"
        "from web.cli.commands import main; main()"
    )
    with full_pipe() as pipe:
        ended = subprocess.run(
            [sys.executable, "-c", program, *SERVE[1:]],
            cwd=tmp_path,
            stderr=pipe,
            check=False,
        )
    assert ended.returncode == code


def test_a_pipe_that_is_closed_harms_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    options = ("--max-connections", "1")
    with started([*SERVE, *options], tmp_path, stderr=writer) as service:
        os.close(writer)
        warn(service)
        assert service.end() == 0
    assert warnings_of(tmp_path) == REFUSED


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no such terminals")
def test_a_terminal_that_is_closed_ends_it_in_order(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    # A session of its own whose terminal this is, so that the kernel tells of its end.
    begin = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(2, termios.TIOCSCTTY, 0); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    options = ("--durability", "snapshot", "--snapshot-interval", "3600")
    with started(
        [sys.executable, "-c", begin, *SERVE, *options], tmp_path, stderr=theirs
    ) as service:
        os.close(theirs)
        with service.client() as client:
            client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        os.close(ours)
        assert service.process.wait(PATIENCE) == 0
    assert "SIGHUP: shutting down" in log_of(tmp_path)
    assert "\nhi\n" in command(tmp_path, "show", "s").stdout
