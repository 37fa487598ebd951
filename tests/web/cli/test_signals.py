"""What ends a service, at which point of its life, and with which exit code."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service import COMMAND, PATIENCE, Service, command, running, started
from tests.web.cli.given import HALF_A_REQUEST, address, log_of
from web.systems import STOP_SIGNALS

# As a supervisor, a terminal's CTRL_C and a terminal that is closed send them.
SIGNALS = pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)

WITHIN = ("--durability", "snapshot", "--snapshot-interval", "3600")
"""What was answered is on no disk yet."""


def say(service: Service) -> None:
    with service.client() as client:
        answer = client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        assert answer.status_code == 201


@SIGNALS
def test_a_signal_ends_it_with_0_and_one_file_that_holds_everything(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path, *WITHIN) as service:
        say(service)
        assert service.end(number) == 0
    assert not (tmp_path / "data" / "agent_runtime.db-wal").exists()
    assert "\nhi\n" in command(tmp_path, "show", "s").stdout
    assert f"{number.name}: shutting down" in log_of(tmp_path)


def test_with_nohup_it_outlives_its_terminal(tmp_path: Path) -> None:
    nohup = ["nohup", COMMAND, "serve", "--port", "0"]
    with started(nohup, tmp_path, stderr=subprocess.DEVNULL) as service:
        service.process.send_signal(signal.SIGHUP)
        say(service)
        assert service.end() == 0
    assert "SIGHUP" not in log_of(tmp_path)


def test_a_second_signal_ends_it_at_once_with_6(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        running(tmp_path, "--grace", "3600") as service,
        socket.create_connection(address(service)) as connection,
    ):
        connection.sendall(HALF_A_REQUEST)
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        service.process.send_signal(signal.SIGTERM)
        # Another number, because the kernel would merge two of the same.
        assert service.end(signal.SIGINT) == 6
    assert "a second signal came; ending at once" in capfd.readouterr().err
    assert "INFO agent_runtime: a second signal came" in log_of(tmp_path)


# With faults planted. Each is a program that does something before it is `agent-runtime`.

OPENS_FOR_EVER = """
import os, time, web.cli.commands
def open_store(*arguments, **options):
    os.write(1, b"opening\\n")
    time.sleep(3600)
web.cli.commands.open_store = open_store
"""
OPENS_WHEN_TOLD = """
import os, web.cli.commands
open_store = web.cli.commands.open_store
def open_slowly(*arguments, **options):
    os.write(1, b"opening\\n")
    os.read(0, 1)
    return open_store(*arguments, **options)
web.cli.commands.open_store = open_slowly
"""
STANDS_STILL = """
import os, time, web.cli.terminal
def stand_still(*arguments):
    os.write(1, b"standing still\\n")
    time.sleep(3600)
web.cli.terminal.announce = stand_still
"""
RUNS_IN_CIRCLES = STANDS_STILL.replace("time.sleep(3600)", "\n    while True: pass")
"""Where it stands is trio's loop, which hears of nothing then."""


IMPORTS_FOR_EVER = """
import os, sys, time
class Slow:
    def find_spec(self, name, path, target=None):
        if name == "web.cli.commands":
            os.write(1, b"importing\\n")
            time.sleep(3600)
sys.meta_path.insert(0, Slow())
"""


@contextmanager
def planted(fault: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A service with this fault, which it has just met."""
    code = f"{fault}\nfrom web.cli.entrance import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", "0", *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes], *numbers: signal.Signals) -> tuple[int, list[str]]:
    """Its exit code, and the lines that it leaves on the terminal."""
    for number in numbers:
        process.send_signal(number)
    _, lines = process.communicate()
    return process.returncode, lines.decode().splitlines()


def test_ctrl_c_while_the_program_is_being_imported_ends_it_with_one_line(tmp_path: Path) -> None:
    with planted(IMPORTS_FOR_EVER, tmp_path) as process:
        assert end(process, signal.SIGINT) == (
            130,
            ["agent-runtime: ended while it was starting"],
        )


@SIGNALS
def test_a_signal_to_a_start_that_takes_long_ends_it_with_one_line(
    tmp_path: Path, number: signal.Signals
) -> None:
    with planted(OPENS_FOR_EVER, tmp_path) as process:
        assert end(process, number) == (
            0,
            ["agent-runtime: ended while it was starting; the next start begins anew"],
        )


@SIGNALS
def test_a_signal_during_the_start_lets_that_end_in_order(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = f"import web.cli.watch\nweb.cli.watch.START_MOMENT = {PATIENCE}\n"
    with planted(longer + OPENS_WHEN_TOLD, tmp_path) as process:
        process.send_signal(number)
        while "shutting down" not in log_of(tmp_path):
            pass  # the test's timeout bounds this
        assert end(process) == (0, ["agent-runtime: ended before anything was served"])
    assert not (tmp_path / "data" / "agent_runtime.db-wal").exists()


def test_a_second_signal_ends_a_start_at_once(tmp_path: Path) -> None:
    with planted(OPENS_FOR_EVER, tmp_path) as process:
        code, lines = end(process, signal.SIGTERM, signal.SIGINT)
    assert code == 6
    assert lines == ["agent-runtime: a second signal came; ending at once"]


@pytest.mark.parametrize("fault", [STANDS_STILL, RUNS_IN_CIRCLES], ids=["waits", "is busy"])
def test_a_second_signal_ends_a_service_whose_loop_stands_still(tmp_path: Path, fault: str) -> None:
    with planted(fault, tmp_path) as process:
        code, lines = end(process, signal.SIGTERM, signal.SIGINT)
    assert code == 6
    assert lines == ["agent-runtime: a second signal came; ending at once"]


def test_the_end_of_a_service_whose_loop_stands_still_is_bounded(tmp_path: Path) -> None:
    options = ("--grace", "0", "--flush-timeout", "0.1")
    with planted(STANDS_STILL, tmp_path, *options) as process:
        code, lines = end(process, signal.SIGTERM)
    assert code == 6
    assert lines == ["agent-runtime: the end took longer than 1.1 s; ending at once"]
    assert "INFO agent_runtime: the end took longer" in log_of(tmp_path)
