"""Whatever a session was: with a value redacted it is the same one, but for that value."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.postgres.store import PostgresStore
from persistence.postgres.verify import verify as verify_database
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import InvalidInput
from runtime.session.asked.redaction import MARKER, entry_of, plan, redacted
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import ANY, SessionState
from runtime.store.deltas import Delta
from runtime.store.entries import PLAIN, Entry
from runtime.store.steps import Step
from runtime.store.store import Store
from tests.persistence.contract.stores import MAKERS, committed, finish_purges, loaded
from tests.persistence.databases import Grounds, emptied
from tests.properties import examples
from tests.runtime.session.builders import NOON
from tests.runtime.session.work.plays import begun, play, steps


def write(store: Store, state: SessionState, *more: Step) -> SessionState:
    """Writes it, or does what is given with it; returns what the store has then."""
    written = more or state.delta().steps
    outcome = committed(store, Delta(session_id=state.session_id, mark=1, steps=written))
    finish_purges(store, outcome)
    stored = loaded(store, state.session_id)
    return SessionState.restored(state.session_id, KINDS, stored, Moment(0.0, NOON))


def without_body(entry: Entry) -> Entry:
    """What is told of it but for what it says, and for whether a history shows that as it is."""
    return evolve(entry, body=b"", metadata=None, chain=b"", form=entry.form & ~PLAIN)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", MAKERS)
@settings(
    max_examples=examples(0.3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
@given(before=steps, behind=steps, places=st.lists(st.integers(0, 60), max_size=4))
def test_it_is_the_same_session(
    request: pytest.FixtureRequest,
    kind: str,
    before: list[tuple[str, Any]],
    behind: list[tuple[str, Any]],
    places: list[int],
) -> None:
    with TemporaryDirectory() as folder:
        grounds = Grounds(Path(folder), lambda: emptied(request.getfixturevalue("common_database")))
        store = MAKERS[kind](grounds)
        try:
            state = begun()
            play(state, before)
            state = write(store, state)
            for place in places:
                life = state.present()
                old = [life.entry(seq) for seq in range(1, life.version + 1)]
                header, used = life.header(), store.used("0", "9", 99)
                seq = place % life.version + 1
                try:
                    changed = redacted(KINDS, entry_of(state, seq), ())
                except InvalidInput:  # there is nothing of what may go
                    continue
                if changed is None:
                    continue
                state = write(store, state, plan(state, changed, ANY).step())
                life = state.present()
                new = [life.entry(seq) for seq in range(1, life.version + 1)]
                assert list(map(without_body, new)) == list(map(without_body, old))
                assert new[: seq - 1] == old[: seq - 1]
                assert (new[seq - 1].body, new[seq - 1].metadata) == (
                    changed.body,
                    changed.metadata,
                )
                assert MARKER in new[seq - 1].body
                assert [one.body for one in new[seq:]] == [one.body for one in old[seq:]]
                assert (life.header(), store.used("0", "9", 99)) == (header, used)
            play(state, behind)
            state = write(store, state) if state.delta().steps else state
            if isinstance(store, SQLiteStore):
                assert verify(store.path).problems == ()
            if isinstance(store, PostgresStore):
                assert verify_database(grounds.database).problems == ()
        finally:
            store.close()
