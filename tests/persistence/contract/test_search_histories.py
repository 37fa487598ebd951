"""Any history of batches, and what is found in it: as many as are looked through one by one."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.memory import MemoryStore
from persistence.postgres.writing import purging as postgres_purging
from persistence.sqlite.writing import purging
from runtime.store.entries import MESSAGE
from runtime.store.store import Store
from tests.persistence.contract.model import Model
from tests.persistence.contract.plays import PLAYS
from tests.persistence.contract.stores import MAKERS, committed, finish_purges
from tests.persistence.contract.texts import hits, taken
from tests.persistence.databases import Grounds, emptied
from tests.properties import examples

NAMES = ("a", "b", "c")
PLAY = st.tuples(st.sampled_from(list(PLAYS)), st.integers(0, 3))
BATCH = st.dictionaries(st.sampled_from(NAMES), PLAY, max_size=3)
REOPEN = None
"""In place of a batch: the store is closed and opened."""
TAKE = "take"
"""In place of a batch: the index takes what there is."""
STEPS = st.lists(BATCH | st.sampled_from([REOPEN, TAKE]), max_size=14)
QUERIES = (*NAMES, "last", "the last one", '"the last one"', '"last the"', "gon*", "a 3", '"b 2"')


@pytest.fixture(autouse=True, scope="module")
def _little_at_a_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(purging, "PURGE_CHUNK", 2)
        patch.setattr(postgres_purging, "PURGE_CHUNK", 2)
        yield


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sqlite", "sqlite in parts", "postgres", "memory"])
@settings(
    max_examples=examples(0.4),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
@given(steps=STEPS)
def test_what_is_found_is_what_a_plain_look_finds(
    request: pytest.FixtureRequest, kind: str, steps: list[dict[str, tuple[str, int]] | str | None]
) -> None:
    model = Model()
    with TemporaryDirectory() as folder:
        find = lambda: emptied(request.getfixturevalue("common_database"))  # noqa: E731
        grounds = Grounds(Path(folder), find)
        store = MAKERS[kind](grounds)
        try:
            for step in steps:
                if isinstance(step, dict):
                    plays = {name: (PLAYS[play], pick) for name, (play, pick) in step.items()}
                    model.settle(store.commit(model.batch(plays)))
                elif step == TAKE:
                    taken(store, room=100)
                elif not isinstance(store, MemoryStore):  # one in memory would be empty
                    store.close()
                    store = MAKERS[kind](grounds)
            taken(store)
            check(store, model)
            finish_purges(store, committed(store))
            taken(store)
            check(store, model)
        finally:
            store.close()


def check(store: Store, model: Model) -> None:
    for query in QUERIES:
        assert hits(store, query) == set(looked_for(model, query)), query


def looked_for(model: Model, query: str) -> Iterator[tuple[str, int]]:
    for name, life in model.living.items():
        for entry in life.counting(MESSAGE):
            words = json.loads(entry.body)["content"].split()
            if query.startswith('"'):
                found = f" {query.strip(chr(34))} " in f" {' '.join(words)} "
            elif query.endswith("*"):
                found = any(word.startswith(query[:-1]) for word in words)
            else:
                found = set(query.split()) <= set(words)
            if found:
                yield name, entry.seq
