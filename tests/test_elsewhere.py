"""As if on Windows: what only a Unix has is needed nowhere. `elsewhere` says how far that goes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import runtime
from tests.service import Service, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is open")

ROOT = Path(runtime.__file__).parent.parent
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}

COMMAND = "from web.cli.entrance import main; main()"
SUITE = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"

CTRL_BREAK = signal.SIGUSR1
"""What stands for it."""

STORE = "tests/persistence/sqlite"
SUITES = (
    (
        "sqlite",
        [
            "tests/persistence/contract/test_committing.py",
            "tests/persistence/contract/test_trash.py",
            "tests/persistence/contract/test_reading_beside.py",
        ],
    ),
    # Windows lets nobody take the witness away while it is open.
    ("not lost and not no_witness_is_made", [f"{STORE}/guards/test_witness.py"]),
    # The pid of the owner is not known, and of several names for a file only links are noticed.
    ("not in_the_same_process and not in_this_process", [f"{STORE}/guards/test_owner.py"]),
    (
        "",
        [
            f"{STORE}/opening/test_replacing.py",
            f"{STORE}/opening/test_restore.py",
            f"{STORE}/test_backup.py",
        ],
    ),
)
"""What is tried of the store, but for the tests that no keyword chooses."""


def elsewhere(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.elsewhere", code, *arguments]


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    command = elsewhere(COMMAND, "serve", "--port", "0", "--db", "chats.db")
    with started(command, folder, environment=ENVIRONMENT) as service:
        yield service


def say(service: Service, text: str) -> None:
    with service.client() as client:
        message = {"role": "user", "content": text}
        answer = client.post("/api/v1/sessions/s/messages", json=message)
        assert answer.status_code == 201


def said(service: Service) -> list[str]:
    with service.client() as client:
        history = client.get("/api/v1/sessions/s/history").json()
        return [message["content"] for message in history["messages"]]


def test_the_modules_of_a_unix_are_gone() -> None:
    code = "from persistence.sqlite.systems import *; print(IS_UNIX, HAS_FILE_LOCKS, AS_IT_IS)"
    shown = subprocess.run(elsewhere(code), cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "False False 0\n"


@pytest.mark.parametrize(("chosen", "files"), SUITES, ids=["contract", "witness", "owner", "files"])
def test_the_store_works(chosen: str, files: list[str], tmp_path: Path) -> None:
    # Captured by Python alone: pytest's other way removes a file that is open.
    options = ("--capture=sys", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "tests"))
    result = subprocess.run(
        elsewhere(SUITE, *options, *files, "-k", chosen),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("end", [CTRL_BREAK, signal.SIGINT, signal.SIGKILL])
def test_a_service_starts_writes_ends_and_starts_again(end: signal.Signals, tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        say(service, "Hello")
        assert service.end(end) == (-end if end == signal.SIGKILL else 0)
    with serving(tmp_path) as service:
        assert said(service) == ["Hello"]
        say(service, "And again")
        assert said(service) == ["Hello", "And again"]


def test_a_second_service_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        second = subprocess.run(
            elsewhere(COMMAND, "serve", "--port", "0", "--db", "chats.db"),
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 3
        assert "chats.db is in use by another process\n" in second.stderr
        say(service, "Still here")
