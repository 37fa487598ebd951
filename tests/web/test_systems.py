"""What differs between operating systems, as far as the web layer asks."""

import signal
import stat
from pathlib import Path

import pytest

from web import systems
from web.http.limits import ServerConfig, connection_limit


def test_the_service_ends_at_what_a_terminal_and_a_supervisor_send() -> None:
    assert set(systems.STOP_SIGNALS) >= {signal.SIGTERM, signal.SIGINT}


def test_what_nohup_has_ignored_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
    assert signal.SIGTERM in systems.stop_signals()
    assert "SIGHUP" not in [number.name for number in systems.stop_signals()]


def test_without_a_limit_of_open_files_there_are_as_many_connections_as_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(systems, "_resource", None)
    assert systems.open_files_limit() is None
    assert connection_limit(ServerConfig(max_connections=10**6)) == 10**6


def test_where_each_connection_needs_another_one_there_are_half_as_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("web.http.limits.open_files_limit", lambda: 1_024)
    assert connection_limit(ServerConfig(), 2) == 480


def test_where_files_have_modes_they_say_who_has_access(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    file.chmod(stat.S_IRUSR)
    assert not systems.is_open_to_others(file.stat())
    file.chmod(stat.S_IRUSR | stat.S_IRGRP)
    assert systems.is_open_to_others(file.stat())


def test_where_files_have_none_nobody_is_accused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.touch()
    file.chmod(0o666)  # what Windows says of every file that can be written
    status = file.stat()
    monkeypatch.setattr("web.systems.os.name", "nt")
    assert not systems.is_open_to_others(status)
