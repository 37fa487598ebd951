"""What is forked is what would be started: it does not matter to who looks after it."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.warm import COMMAND, ROOT, Forked, start

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="forks only on Linux")


@pytest.fixture(params=["forked", "started"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "started":
        monkeypatch.setattr("tests.warm._forkers", None)
    way: str = request.param
    return way


def told(code: str, *arguments: str, folder: Path | None = None, **environment: str) -> str:
    """What it prints."""
    command = [sys.executable, "-c", code, *arguments]
    with start(command, folder, environment=environment, stdout=PIPE) as process:
        assert process.stdout is not None
        return process.stdout.read()


def test_it_is_forked_if_it_can_be(way: str) -> None:
    with start([sys.executable, "-c", ""]) as process:
        assert isinstance(process, Forked) == (way == "forked")


def test_it_has_its_arguments_its_folder_and_its_environment(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.argv, os.getcwd(), os.environ['COLOUR'])"
    assert told(code, "a", "b", folder=tmp_path, COLOUR="blue") == (
        f"['-c', 'a', 'b'] {tmp_path} blue\n"
    )


def test_it_inherits_the_folder_the_mask_and_the_limits_of_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, resource; print(os.getcwd(), os.umask(0), "
        "resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o27)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
    try:
        assert told(code) == f"{tmp_path} {0o27} {soft - 1}\n"
    finally:
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_has_no_other_file_of_ours() -> None:
    reading, writing = os.pipe()
    try:
        assert told("import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))") == (
            "[0, 1, 2, 3]\n"  # the last one is the folder that is listed
        )
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('said')", 1),
        ("1 / 0", 1),
        ("import os; os._exit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -9),
    ],
)
def test_it_ends_with_the_code_of_its_end(
    code: str, expected: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with start([sys.executable, "-c", code]) as process:
        assert process.wait() == process.poll() == expected


def test_what_it_says_at_its_end_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    told("import atexit, sys; atexit.register(print, 'bye', file=sys.stderr); 1 / 0")
    _, said = capfd.readouterr()
    assert said.endswith("ZeroDivisionError: division by zero\nbye\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_by_a_signal(number: signal.Signals) -> None:
    with start([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=PIPE) as process:
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        process.send_signal(number)
        assert process.wait() == -number
        process.kill()  # nothing any more


def test_one_that_has_ended_but_whose_code_is_not_here_yet_is_sent_nothing() -> None:
    ended = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    os.waitpid(ended, 0)
    told, telling = os.pipe()
    try:
        process = Forked([], ended, None, None, None, told)
        process.kill()
        assert process.poll() is None
    finally:
        os.close(told)
        os.close(telling)


def test_it_reads_what_it_is_written() -> None:
    code = "import sys; print(sys.stdin.readline().upper(), end='')"
    with start([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("straße\n")
        process.stdin.flush()
        assert process.stdout.read() == "STRASSE\n"


def test_it_is_a_module() -> None:
    command = [sys.executable, "-m", "tests.elsewhere", "import sys; print(sys.argv[1:])", "a", "b"]
    with start(command, ROOT, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == "['a', 'b']\n"


def test_it_is_the_command(tmp_path: Path) -> None:
    with start([COMMAND, "sessions"], tmp_path, stderr=PIPE) as process:
        assert process.stderr is not None
        assert "There is no database" in process.stderr.read()
        assert process.wait() == 3
