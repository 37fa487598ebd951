"""What a service leaves behind, and who can read it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.service import running
from tests.web.cli.given import mode


@pytest.mark.usefixtures("open_umask")
def test_everything_it_makes_is_for_its_owner_only(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        client.post("/api/v1/sessions/s/messages", json={"role": "user", "content": "hi"})
        modes = {str(place.relative_to(tmp_path)): mode(place) for place in tmp_path.rglob("*")}
        assert service.end() == 0
    folders = {"data", "logs"}
    assert {name: modes.pop(name) for name in folders} == dict.fromkeys(folders, 0o700)
    assert modes == dict.fromkeys(modes, 0o600)
    assert modes.keys() >= {
        "data/agent_runtime.db",
        "data/agent_runtime.db-wal",
        "data/agent_runtime.db-shm",
        "data/agent_runtime.db.lock",
        "logs/agent-runtime.log",
    }


def test_an_empty_log_file_means_no_log(tmp_path: Path) -> None:
    with running(tmp_path, "--log-file", "") as service:
        assert service.end() == 0
    assert [place.name for place in tmp_path.iterdir()] == ["data"]


def test_an_empty_variable_means_no_log_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "")
    with running(tmp_path) as service:
        assert service.end() == 0
    assert [place.name for place in tmp_path.iterdir()] == ["data"]


def test_the_log_has_utc_times_and_levels(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert service.end() == 0
    for line in (tmp_path / "logs" / "agent-runtime.log").read_text().splitlines():
        moment, level, _ = line.split(" ", 2)
        assert datetime.fromisoformat(moment).tzinfo is UTC
        assert level in {"DEBUG", "INFO", "WARNING", "ERROR"}
