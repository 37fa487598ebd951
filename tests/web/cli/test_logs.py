"""The log says where something failed, and nothing that a user wrote; nobody else reads it."""

import logging
import os
from pathlib import Path

import pytest

from web.cli import logs
from web.cli.logs import open_log
from web.problems import CannotServe

log = logging.getLogger("tests.anyone")

EMPTY: dict[str, str] = {}


def fail_with_a_quote() -> None:
    try:
        _ = EMPTY["secret key"]
    except KeyError as error:
        error.add_note("secret note")
        raise ExceptionGroup("secret group", [ValueError("secret value")]) from error


def fail_while_failing() -> None:
    try:
        _ = EMPTY["secret key"]
    except KeyError:
        _ = int("secret number")


def logged(folder: Path) -> str:
    return (folder / "logs" / "log").read_text()


def test_an_exception_is_shown_by_its_places_and_types_without_values(tmp_path: Path) -> None:
    with open_log(tmp_path / "logs" / "log", "info"):
        for fail in (fail_with_a_quote, fail_while_failing):
            try:
                fail()
            except Exception:
                log.exception("it failed")
    text = logged(tmp_path)
    # What the lines of code say is no value.
    for value in ("'secret key'", "\nsecret note", ": secret group", "Error: ", "'secret number'"):
        assert value not in text
    for known in ("in fail_with_a_quote", "in fail_while_failing", "test_logs.py"):
        assert known in text
    for kind in ("KeyError", "ExceptionGroup", "  | builtins.ValueError", "builtins.ValueError"):
        assert f"{kind}\n" in text


def test_the_terminal_gets_no_values_either(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with open_log(None, "info"):
        try:
            _ = int("secret" + " number")
        except ValueError:
            log.exception("it failed")
    shown = capfd.readouterr().err
    assert "ERROR it failed" in shown
    assert "ValueError" in shown
    assert "secret number" not in shown


def test_an_error_of_the_operating_system_is_named_without_its_file(tmp_path: Path) -> None:
    with open_log(tmp_path / "logs" / "log", "info"):
        try:
            (tmp_path / "secret").read_text()
        except OSError:
            log.exception("it failed")
    assert "builtins.FileNotFoundError (ENOENT)\n" in logged(tmp_path)
    assert str(tmp_path / "secret") not in logged(tmp_path)


def test_an_exception_without_one_is_an_empty_line(tmp_path: Path) -> None:
    with open_log(tmp_path / "logs" / "log", "info"):
        log.error("nothing failed", exc_info=True)
    assert "nothing failed" in logged(tmp_path)


@pytest.mark.parametrize("before", [None, 0o644])
def test_every_file_of_the_log_is_private(
    before: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_SIZE", 200)
    file = tmp_path / "logs" / "log"
    if before is not None:
        file.parent.mkdir(0o700)
        file.touch()
        file.chmod(before)
    with open_log(file, "info"):
        for number in range(20):
            log.info("line %d", number)
    files = list(file.parent.iterdir())
    assert len(files) > 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_log_that_is_no_file_of_its_own_keeps_its_mode(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open_log(pipe, "info"):
        pass
    os.close(reader)
    assert pipe.stat().st_mode & 0o777 == 0o644


def test_a_log_that_cannot_be_written_is_told_to_the_operator(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    with (
        pytest.raises(CannotServe, match="Cannot write the log"),
        open_log(tmp_path / "logs" / "log", "info"),
    ):
        pass
