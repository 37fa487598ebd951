"""Databases of schema version 1."""

import shutil
from pathlib import Path

import pytest

from tests.persistence.version1 import Version1


@pytest.fixture
def old(path: Path) -> Version1:
    """One of each kind of session."""
    database = Version1(path)
    database.session("empty")
    database.session("plain", "one", "two")
    database.session(
        "rich",
        {
            "role": "user",
            "content": "Почему? 🤔\n\n\u0000",
            "id": "m1",
            "metadata": {"n": [1, None]},
        },
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function"}]},
        {"role": "tool", "content": "x", "tool_call_id": "c", "id": "m2"},
    )
    database.session("only switches", switches=[("orchestrator", "coder", "why", 1)])
    database.session(
        "interleaved",
        *({"role": "user", "content": f"{second}", "at": second} for second in (1, 3, 3, 5)),
        switches=[("architect", "coder", "", 2), ("coder", "ask", "", 3), ("ask", "debug", "", 9)],
        metadata='{"project":"x","tags":["a"]}',
    )
    database.session("begun by another", "one", current_agent="architect")
    return database


@pytest.fixture
def killed(old: Version1, tmp_path: Path) -> Path:
    """The database as a killed process left it: the last session is in the WAL."""
    target = tmp_path / "killed" / "sessions.db"
    target.parent.mkdir()
    with old.last_in_the_wal("in the WAL", "one"):
        for end in ("", "-wal", ".seq"):
            shutil.copy(f"{old.path}{end}", f"{target}{end}")
    assert target.with_name("sessions.db-wal").stat().st_size > 0
    return target
