"""Whatever happens to sessions: what a store says was used is what a naive sum says."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.postgres.store import PostgresStore
from persistence.postgres.verify import verify as verify_database
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import SessionState
from runtime.store.deltas import Delta
from runtime.store.store import Store
from tests.persistence.contract.stores import MAKERS, MANY, finish_purges
from tests.persistence.databases import Grounds, emptied
from tests.properties import examples
from tests.runtime.session.builders import NOON
from tests.runtime.session.work.plays import Sums, begun, play, steps

HAPPENS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(0, 2), steps),
        st.tuples(st.sampled_from(["store", "load", "trash", "purge"]), st.integers(0, 2)),
    ),
    max_size=12,
)


@define
class Sessions:
    """Three of them, in memory and in the store."""

    store: Store
    states: dict[int, SessionState] = field(factory=dict)
    used: Sums = field(factory=Counter)

    def do(self, what: str, n: int, wanted: list[tuple[str, Any]]) -> None:
        state = self.states.get(n)
        if what == "play":
            if state is None or state.life is None:
                state = self.states[n] = begun()
                state.session_id = f"s{n}"
            self.used += play(state, wanted)[1]
        elif state is None or state.life is None:
            return
        elif what == "store":
            self.write(state)
        elif what == "load":
            self.write(state)
            stored = self.store.load(state.session_id)
            moment = Moment(0.0, NOON)
            self.states[n] = SessionState.restored(state.session_id, KINDS, stored, moment)
        else:
            state.delete(at=NOON, purge=what == "purge")
            self.write(state)
            del self.states[n]

    def write(self, state: SessionState) -> None:
        delta = state.delta()
        if not delta.steps:
            return
        outcome = self.store.commit([Delta(session_id=state.session_id, mark=1, steps=delta.steps)])
        assert not outcome.rejected
        state.mark_durable(delta, outcome)
        finish_purges(self.store, outcome)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", MAKERS)
@settings(
    max_examples=examples(0.3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
@given(happens=HAPPENS)
def test_it_is_what_a_naive_sum_says(
    request: pytest.FixtureRequest, kind: str, happens: list[tuple[Any, ...]]
) -> None:
    with TemporaryDirectory() as folder:
        grounds = Grounds(Path(folder), lambda: emptied(request.getfixturevalue("common_database")))
        sessions = Sessions(MAKERS[kind](grounds))
        store = sessions.store
        try:
            for what, n, *wanted in happens:
                sessions.do(what, n, wanted[0] if wanted else [])
            for state in sessions.states.values():
                sessions.write(state)
            page = store.used("2025-12-31", "2025-12-31", MANY)
            found: Sums = Counter()
            for used in page.used:
                found[used.agent, used.model] += int(used.numbers["input_tokens"])
            assert +found == +sessions.used
            assert page.totals.get("input_tokens", 0) == sum(sessions.used.values())
            if isinstance(store, SQLiteStore):
                assert verify(store.path).problems == ()
            if isinstance(store, PostgresStore):
                assert verify_database(grounds.database).problems == ()
        finally:
            store.close()
