"""Whether the chunks of drafts follow on each other, and belong to a session."""

from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import DraftChunk
from tests.persistence.builders import NOON, begins, change, delta


def chunk(key: str, offset: int, *added: str) -> DraftChunk:
    body = ",".join(f'["content","{text}"]' for text in added)
    return DraftChunk(key=key, offset=offset, role="assistant", at=NOON, body=f"[{body}]".encode())


@pytest.fixture
def drafted(path: Path) -> Path:
    """Sessions `s` and `gone`, the latter in the trash, have two drafts each, in three chunks."""
    store = SQLiteStore.open(path)
    chunks = [chunk("a", 0, "🤔b", "c"), chunk("b", 0, "x"), chunk("a", 3, "d"), chunk("b", 1)]
    store.commit([delta("s", begins("one", drafts=chunks))])
    store.commit([delta("gone", begins("one", drafts=chunks, end="trash"))])
    store.close()
    return path


def test_drafts_whose_chunks_follow_on_each_other_are_whole(drafted: Path) -> None:
    assert verify(drafted).problems == ()


@pytest.mark.parametrize("session_id", ["s", "gone"])
def test_a_chunk_that_is_missing_is_named(drafted: Path, session_id: str) -> None:
    change(
        drafted,
        "DELETE FROM draft WHERE key = 'a' AND start = 0"
        " AND no = (SELECT no FROM session WHERE session_id = ?)",
        session_id,
    )
    assert verify(drafted).problems == (
        f"Session '{session_id}': draft 'a' goes on behind character 3, and has 0",
    )


@pytest.mark.parametrize("body", ["no JSON", "{}", '[["content"]]', '[["content",1]]'])
def test_a_chunk_that_cannot_be_read_is_named(drafted: Path, body: str) -> None:
    change(drafted, "UPDATE draft SET body = ? WHERE key = 'a' AND start = 3 AND no = 1", body)
    assert verify(drafted).problems == (
        "Session 's': draft 'a': what was added behind character 3 cannot be read",
    )


def test_a_chunk_that_is_there_twice_is_named(drafted: Path) -> None:
    change(
        drafted,
        "INSERT INTO draft (no, key, start, role, at, body)"
        " SELECT no, key, start, role, at, body FROM draft WHERE no = 1 AND start = 3",
    )
    assert verify(drafted).problems == (
        "Session 's': draft 'a' goes on behind character 3, and has 4",
    )


def test_drafts_of_no_session_are_named_once(drafted: Path) -> None:
    change(drafted, "UPDATE draft SET no = 77 WHERE no = 1")
    assert "Drafts of number 77 belong to no session" in verify(drafted).problems
    assert len(verify(drafted).problems) == 2  # and what SQLite says of it


def test_what_is_being_purged_is_not_looked_at(drafted: Path) -> None:
    change(drafted, "DELETE FROM draft WHERE start = 0 AND no = 2")
    change(drafted, "UPDATE session SET deleted_at = '' WHERE no = 2")
    assert verify(drafted).problems == ()
