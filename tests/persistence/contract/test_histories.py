"""Any history of batches, against a plain dict.

Whatever the batches were: what is loaded, found, listed and shown by the views is what the dict
has, and a database is whole at any moment. So little is purged at a time, and read with one
statement, that purges go on beside other batches, and sessions are longer than a read.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.memory import MemoryStore
from persistence.postgres.reading import entries as postgres_entries
from persistence.postgres.store import PostgresStore
from persistence.postgres.writing import purging as postgres_purging
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables import entries
from persistence.sqlite.writing import purging
from runtime.store.entries import MESSAGE, Wanted
from runtime.store.listing import Listing
from runtime.store.store import Store
from runtime.store.stored import StoredSession
from tests.persistence.builders import ROOT, at, query
from tests.persistence.contract.model import Life, Model, as_far_as_fits, newest
from tests.persistence.contract.plays import PLAYS
from tests.persistence.contract.stores import (
    MAKERS,
    MANY,
    committed,
    finish_purges,
    found,
    listed,
    rows,
)
from tests.persistence.databases import Grounds, asked, emptied
from tests.properties import examples

NAMES = ("a", "b", "c", "d'")
PLAY = st.tuples(st.sampled_from(list(PLAYS)), st.integers(0, 3))
BATCH = st.dictionaries(st.sampled_from(NAMES), PLAY, max_size=4)
Asker = Callable[[str], list[Any]]
"""Asks a database something in SQL."""
REOPEN = None
"""In place of a batch: the store is closed and opened."""
BATCHES = st.lists(BATCH | st.just(REOPEN), max_size=14)


@pytest.fixture(autouse=True, scope="module")
def _little_at_a_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(purging, "PURGE_CHUNK", 2)
        patch.setattr(entries, "BLOCK", 3)
        patch.setattr(postgres_purging, "PURGE_CHUNK", 2)
        for name, size in (("BLOCK", 3), ("FIRST_BLOCK", 1), ("LARGEST_BLOCK", 2)):
            patch.setattr(postgres_entries, name, size)
        yield


# Hundreds of stores are opened, one after the other: where other tests run beside it, on a server
# that takes its time.
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", MAKERS)
@settings(
    max_examples=examples(0.6),
    # In place of those that all tests suppress: the first is one of them.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
@given(batches=BATCHES)
def test_any_history_leaves_what_a_plain_dict_would(
    request: pytest.FixtureRequest, kind: str, batches: list[dict[str, tuple[str, int]] | None]
) -> None:
    model = Model()
    with TemporaryDirectory() as folder:
        # One of its own for each example, which a fixture would not be.
        find = lambda: emptied(request.getfixturevalue("common_database"))  # noqa: E731
        grounds = Grounds(Path(folder), find)
        store = MAKERS[kind](grounds)
        try:
            for batch in batches:
                if batch is REOPEN:
                    if not isinstance(store, MemoryStore):  # one in memory would be empty
                        store.close()
                        store = MAKERS[kind](grounds)
                    continue
                plays = {name: (PLAYS[play], pick) for name, (play, pick) in batch.items()}
                model.settle(store.commit(model.batch(plays)))
            check(store, model)
            if isinstance(store, SQLiteStore):
                check_views(partial(query, store.path), model)
                assert verify(store.path).problems == ()
            if isinstance(store, PostgresStore):
                check_views(partial(asked, grounds.database), model)
            finish_purges(store, committed(store))
            check(store, model)
            if isinstance(store, SQLiteStore):
                check_entries(partial(query, store.path), model)
                places = query(store.path, "SELECT DISTINCT no FROM look")
                assert places == [(life.no,) for life in kept(model)]
                assert verify(store.path).problems == ()
            if isinstance(store, PostgresStore):
                check_entries(partial(asked, grounds.database), model)
        finally:
            store.close()


def kept(model: Model) -> list[Life]:
    """The lives that have entries, in the order of their numbers."""
    lives = [*model.living.values(), *model.trash]
    return sorted((life for life in lives if life.items), key=lambda life: life.no)


def check_entries(ask: Asker, model: Model) -> None:
    """Of those that were purged, nothing is left."""
    found = ask("SELECT no, count(*) FROM entry GROUP BY no ORDER BY no")
    assert found == [(life.no, len(life.items)) for life in kept(model)]


def check(store: Store, model: Model) -> None:
    """What everybody who asks the store is told."""
    assert store.count() == len(model.living)
    by_activity = sorted((life.header.last_activity, name) for name, life in model.living.items())
    assert listed(store) == [name for _, name in reversed(by_activity)]
    assert listed(store, Listing(order="created")) == sorted(model.living)
    assert list(store.expired(at(2), MANY)) == [
        name for moment, name in by_activity if moment < at(2)
    ]
    for name in NAMES:
        life = model.living.get(name)
        session = store.load(name)
        if life is None:
            assert session is None
            continue
        assert session is not None
        assert list(session.entries) == rows(life.entries)
        assert session == StoredSession(
            no=life.no,
            root=ROOT,
            header=life.header,
            settings=life.settings,
            entries=session.entries,
            before=ROOT,
            outline=[],
        )
        assert found(store, life.no) == rows(life.entries)
        check_parts(store, life)
    trash = sorted(model.trash, key=lambda life: (life.deleted_at, life.no), reverse=True)
    assert [
        (life.no, life.info.session_id, life.deleted_at, life.info.version, life.info.title)
        for life in store.trash(MANY).sessions
    ] == [
        (life.no, life.name, life.deleted_at, life.header.version, life.settings.title)
        for life in trash
    ]
    for life in trash:
        assert found(store, life.no) == rows(life.entries)


def check_parts(store: Store, life: Life) -> None:
    """What a session that is not in memory as a whole is loaded from, and read by."""
    entries = life.entries
    last = len(entries)
    for room in (0, 60, 150):
        session = store.load(life.name, room)
        assert session is not None
        fits = newest(entries, room)
        gone = entries[: last - len(fits)]
        assert list(session.entries) == rows(fits)
        assert session.before == (gone[-1].chain if gone else ROOT)
        assert list(session.outline) == [
            (entry.seq, entry.kind, entry.key, entry.at, entry.form)
            for entry in gone
            if entry.kind != MESSAGE
        ]
        for seqs in (range(2, last + 1), range(last, 0, -1), [*range(1, last + 1, 2), 2]):
            wanted = [entries[seq - 1] for seq in seqs if seq <= last]
            read = store.find(life.no, Wanted(seqs=seqs, room=room))
            assert {row[0]: row for row in read} == {
                row[0]: row for row in rows(as_far_as_fits(wanted, room))
            }


def check_views(ask: Asker, model: Model) -> None:
    """What whoever reads the published views of the database is told."""
    living = sorted(model.living.items())
    sessions = ask(
        "SELECT session_id, messages, last_activity, created_at FROM sessions ORDER BY session_id",
    )
    assert [(row[0], json.loads(row[1]), *row[2:]) for row in sessions] == [
        (
            name,
            [json.loads(entry.body) for entry in life.counting("message")],
            life.header.last_activity,
            life.header.created_at,
        )
        for name, life in living
    ]
    contexts = ask(
        "SELECT session_id, current_agent, agent_history, context_metadata, created_at,"
        " last_switch_at, switch_count FROM agent_contexts ORDER BY session_id",
    )
    assert [(*row[:2], json.loads(row[2]), json.loads(row[3]), *row[4:]) for row in contexts] == [
        (
            name,
            life.header.current_agent,
            [json.loads(entry.body) | {"timestamp": entry.at} for entry in life.counting("switch")],
            json.loads(life.settings.metadata),
            life.header.created_at,
            life.header.last_switch_at,
            life.header.switch_count,
        )
        for name, life in living
    ]
