"""What the store has of a session id: each of its lives, and the log of each."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.faults.streaming.place import Client

PAGE = 1_000


@frozen
class Life:
    """The log of one life of a session."""

    entries: tuple[str, ...]
    """Each as the JSON that a stream, and the log's pages, have of it."""
    is_living: bool = False


def text_of(entry: Any) -> str:
    """An entry in one way of writing."""
    return json.dumps(entry, sort_keys=True, ensure_ascii=False)


def log_of(client: Client, session_id: str) -> tuple[tuple[str, ...], str | None] | None:
    """All of a session's log, and its tag; `None` if there is no such session."""
    entries: list[str] = []
    after, etag = 0, None
    while True:
        page = client.insist("GET", f"/sessions/{session_id}/log?limit={PAGE}&after={after}")
        if page.status == 404:
            return None
        assert page.status == 200, page
        entries += [text_of(entry) for entry in page.body["entries"]]
        etag = page.etag
        if "next_cursor" not in page.body:
            return tuple(entries), etag
        after = page.body["entries"][-1]["seq"]


def lives_of(client: Client, session_id: str, trashed: Iterable[str]) -> list[Life]:
    """Those that are in the store, with those in the trash, which come back under other ids."""
    lives = []
    if living := log_of(client, session_id):
        lives.append(Life(living[0], is_living=True))
    for number, trash_id in enumerate(trashed):
        name = f"{session_id}-was-{number}"
        body = {"trash_id": trash_id, "session_id": name}
        back = client.insist("POST", f"/sessions/{session_id}/undelete", body)
        assert back.status == 200, back
        found = log_of(client, name)
        assert found is not None, f"{name} came back and is not there"
        lives.append(Life(found[0]))
    return lives


def trash_of(client: Client) -> dict[str, list[str]]:
    """By session id: what names its lives in the trash."""
    found: dict[str, list[str]] = {}
    cursor = ""
    while True:
        page = client.insist("GET", f"/trash?limit={PAGE}{cursor}")
        for one in page.body["sessions"]:
            found.setdefault(one["session_id"], []).append(one["trash_id"])
        if "next_cursor" not in page.body:
            return found
        cursor = f"&cursor={page.body['next_cursor']}"


def names_in(database: Path, session_id: str) -> list[str]:
    """What the file says that each entry of the living session is called: `<seq>-<chain>`."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT entry.seq, hex(entry.chain) FROM session JOIN entry USING (no)"
            " WHERE session_id = ? AND deleted_at IS NULL ORDER BY entry.seq",
            (session_id,),
        ).fetchall()
    return [f"{seq}-{chain.lower()}" for seq, chain in rows]
