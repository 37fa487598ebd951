"""What there is in the end: at each node, and in the database, chain by chain."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Any

import psycopg
from attrs import frozen

from runtime.session.entries.chain import digest, link, tag
from tests.faults.cluster.clients.judge import Entry, Fault, Logs
from tests.faults.cluster.clients.ways import Caller, Way, Ways
from tests.faults.streaming.lives import text_of
from tests.service import PATIENCE

PAGE = 1_000

ROWS = """
SELECT session_id, root, seq, kind, key, at, form, chain, metadata, body
FROM agent_runtime.session JOIN agent_runtime.entry USING (no)
WHERE deleted_at IS NULL ORDER BY session_id, seq
"""


@frozen
class Found:
    """What one node has."""

    logs: Logs
    histories: Mapping[str, tuple[int, str]]
    """How many messages each session's history has, and a digest of all that it says."""

    @classmethod
    def at(cls, way: Way, session_ids: Sequence[str]) -> "Found":
        """Raises nothing: what is not there is not in it."""
        caller = Caller(Ways([way], None), Random(0), PATIENCE)  # noqa: S311 -- there is one way
        try:
            logs = {one: list(_entries(caller, one)) for one in session_ids}
            histories = {one: _history(caller, one) for one in session_ids}
        finally:
            caller.close()
        return cls(logs, histories)


def _entries(caller: Caller, session_id: str) -> Iterator[Entry]:
    after = 0
    while True:
        path = f"/sessions/{session_id}/log?limit={PAGE}&after={after}"
        answer = caller.insist("GET", path)
        if answer.status != 200:
            return
        for one in answer.body["entries"]:
            yield Entry(one["seq"], one["kind"], one.get("key"), text_of(one))
            after = one["seq"]
        if "next_cursor" not in answer.body:
            return


def _history(caller: Caller, session_id: str) -> tuple[int, str]:
    answer = caller.insist("GET", f"/sessions/{session_id}/history")
    if answer.status != 200:
        return 0, ""
    said = text_of(answer.body["messages"])
    return len(answer.body["messages"]), sha256(said.encode()).hexdigest()


def chains(connection: psycopg.Connection[Any], faults: list[Fault]) -> Mapping[str, list[str]]:
    """By session, what its entries are called: `<seq>-<chain>`, each computed and compared."""
    names: dict[str, list[str]] = {}
    before = b""
    for row in connection.execute(ROWS):
        session_id, root, seq, kind, key, at, form, chain, metadata, body = row
        known = names.setdefault(session_id, [])
        before = before if known else bytes(root)
        content = digest(body.encode(), None if metadata is None else metadata.encode(), form)
        computed = link(before, seq, kind, key, at, content)
        before = bytes(chain)
        if computed != before or seq != len(known) + 1:
            what = f"in the database, entry {seq} does not follow on the chain before it"
            faults.append(Fault(f"{session_id}: {what}"))
        known.append(tag(seq, before))
    return names
