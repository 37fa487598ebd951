"""A new life that begins with a copy of another one's entries."""

import pytest
from attrs import evolve

from runtime.store.entries import Wanted
from runtime.store.steps import Purge
from runtime.store.store import Store
from runtime.store.stored import Origin, Settings
from tests.persistence.builders import (
    ROOT,
    Item,
    at,
    begins,
    born,
    delta,
    follows,
    fork,
    log,
    message,
    record,
)
from tests.persistence.contract.stores import (
    begun,
    committed,
    finish_purges,
    found,
    in_trash,
    loaded,
    reject,
    rows,
    said,
)

SOURCE = (
    message("one", "id-1"),
    record("k", 1),
    Item("message", None, {"role": "user", "content": ""}, at(2), b'{"a":1}', 0, "call"),
    record("k", 2),
)
FORKED = Item("settings", None, {"title": "fork"}, at(10))
SETTINGS = Settings(
    title="A fork", forked_from=Origin("source", 2), intervals=((1, 1), (3, None)), metadata=b"{}"
)


@pytest.mark.parametrize("point", range(len(SOURCE) + 1))
def test_a_fork_has_the_entries_up_to_its_point_and_its_own_one(store: Store, point: int) -> None:
    [source] = begun(store, born("source", *SOURCE))
    committed(store, delta("fork", fork(source, point, *SOURCE[:point], FORKED)))
    assert said(store, "fork") == rows(log(*SOURCE[:point], FORKED))


def test_the_entries_of_a_fork_have_the_numbers_and_chains_of_its_source(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    committed(store, delta("fork", fork(source, 3, *SOURCE[:3], FORKED)))
    assert said(store, "fork")[:3] == said(store, "source")[:3]


def test_a_fork_has_the_header_settings_and_root_that_came_with_it(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE, settings=Settings(title="Source")))
    step = evolve(
        fork(source, 2, *SOURCE[:2], FORKED, settings=SETTINGS, current_agent="coder"),
        root=b"a root 2",
    )
    [no] = begun(store, delta("fork", step))
    session = loaded(store, "fork")
    assert (session.no, session.root) == (no, b"a root 2")
    assert session.header == step.header
    assert session.settings == SETTINGS


def test_lives_of_one_root_are_found_and_those_in_the_trash(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    [other] = begun(store, delta("fork", fork(source, 3, *SOURCE[:3], FORKED)))
    elsewhere = evolve(fork(source, 3, *SOURCE[:3], FORKED), root=b"a root 2")
    begun(store, delta("of another root", elsewhere))
    committed(store, delta("source", follows(source, 4, *SOURCE, end="trash", ended_at=at(9))))
    found = [(source, "source", True), (other, "fork", False)]
    assert store.of_root(ROOT, 10) == found
    assert store.of_root(ROOT, 1) == found[:1]
    finish_purges(store, committed(store, delta("source", Purge(source))))
    assert store.of_root(ROOT, 10) == found[1:]


def test_a_fork_leaves_its_source_as_it_was(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    before = loaded(store, "source")
    committed(store, delta("fork", fork(source, 2, *SOURCE[:2], FORKED)))
    assert loaded(store, "source") == before


def test_a_fork_and_its_source_go_on_apart(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    [no] = begun(store, delta("fork", fork(source, 2, *SOURCE[:2], FORKED)))
    committed(
        store,
        delta("fork", follows(no, 3, *SOURCE[:2], FORKED, "mine")),
        delta("source", follows(source, 4, *SOURCE, "yours")),
    )
    assert said(store, "fork") == rows(log(*SOURCE[:2], FORKED, "mine"))
    assert said(store, "source") == rows(log(*SOURCE, "yours"))


def test_a_session_in_the_trash_is_forked(store: Store) -> None:
    [source] = begun(store, delta("source", begins(*SOURCE, end="trash")))
    committed(store, delta("fork", fork(source, 2, *SOURCE[:2], FORKED)))
    assert said(store, "fork") == rows(log(*SOURCE[:2], FORKED))
    assert in_trash(store) == [(source, "source")]


def test_a_life_in_the_trash_is_forked_into_its_own_id(store: Store) -> None:
    [source] = begun(store, delta("s", begins(*SOURCE, end="trash")))
    committed(store, delta("s", fork(source, 2, *SOURCE[:2], FORKED)))
    assert said(store, "s") == rows(log(*SOURCE[:2], FORKED))


def test_a_fork_of_a_fork_has_the_entries_of_both(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    [first] = begun(store, delta("first", fork(source, 2, *SOURCE[:2], FORKED)))
    committed(store, delta("second", fork(first, 3, *SOURCE[:2], FORKED, FORKED)))
    assert said(store, "second") == rows(log(*SOURCE[:2], FORKED, FORKED))


def test_a_fork_outlives_its_source(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    committed(store, delta("fork", fork(source, 4, *SOURCE, FORKED)))
    purge = follows(source, 4, *SOURCE, end="purge")
    finish_purges(store, committed(store, delta("source", purge)))
    assert said(store, "fork") == rows(log(*SOURCE, FORKED))


def test_keys_and_calls_are_found_in_a_fork(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    [no] = begun(store, delta("fork", fork(source, 3, *SOURCE[:3], FORKED)))
    wanted = Wanted(keys=[("record", "k"), ("message", "id-1")], calls=["call"])
    assert list(store.find(no, wanted)) == rows(log(*SOURCE[:3]))


def test_a_fork_keeps_bodies_that_its_source_drops_later(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    committed(store, delta("fork", fork(source, 4, *SOURCE, FORKED)))
    committed(store, delta("source", follows(source, 4, *SOURCE, dropped=[2])))
    assert said(store, "fork") == rows(log(*SOURCE, FORKED))


@pytest.mark.parametrize(
    ("planned", "now", "floor"), [(0, 2, 2), (0, 4, 3), (1, 2, 2), (2, 0, 2), (0, 0, 0)]
)
def test_the_floor_of_a_fork_is_that_of_what_was_copied(
    store: Store, planned: int, now: int, floor: int
) -> None:
    [source] = begun(store, born("source", *SOURCE))
    step = fork(source, 3, *SOURCE[:3], FORKED, floor=planned)
    clean_up = follows(source, 4, *SOURCE, dropped=[2] if now else [], floor=now)
    committed(store, delta("source", clean_up))
    committed(store, delta("fork", step))
    assert loaded(store, "fork").header == evolve(step.header, floor=floor)


def test_a_fork_is_rejected_when_its_id_lives(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    [taken] = begun(store, born("taken", "mine"))
    reject(store, delta("taken", fork(source, 2, *SOURCE[:2], FORKED)))
    assert loaded(store, "taken").no == taken
    assert said(store, "taken") == rows(log("mine"))


def test_a_fork_is_rejected_when_its_source_never_was(store: Store) -> None:
    reject(store, delta("fork", fork(999, 0, FORKED)))
    assert store.load("fork") is None


def test_a_fork_is_rejected_when_its_source_was_purged(store: Store) -> None:
    texts = [f"message {n}" for n in range(2_500)]
    [source] = begun(store, delta("source", begins(*texts, end="trash")))
    committed(store, delta("source", Purge(source)))
    reject(store, delta("fork", fork(source, 2_000, *texts[:2_000], FORKED)))
    finish_purges(store, committed(store))
    assert store.load("fork") is None
    assert found(store, source, 2_500) == []


def test_a_fork_is_rejected_where_its_source_does_not_reach_so_far(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    reject(store, delta("fork", fork(source, 5, *SOURCE, "more", FORKED)))
    assert store.load("fork") is None


@pytest.mark.parametrize("version", [2, 4])
def test_a_fork_is_rejected_when_its_header_counts_wrongly(store: Store, version: int) -> None:
    [source] = begun(store, born("source", *SOURCE))
    reject(store, delta("fork", fork(source, 2, *SOURCE[:2], FORKED, version=version)))
    assert store.load("fork") is None


def test_a_fork_is_rejected_when_its_own_entry_does_not_follow(store: Store) -> None:
    [source] = begun(store, born("source", *SOURCE))
    step = evolve(fork(source, 2, *SOURCE[:2], FORKED), entry=log(*SOURCE)[3])
    reject(store, delta("fork", step))
    assert store.load("fork") is None


def test_a_living_session_gives_way_to_a_fork_of_it_in_one_delta(store: Store) -> None:
    [source] = begun(store, born("s", *SOURCE))
    deletion = follows(source, 4, *SOURCE, end="trash")
    outcome = committed(store, delta("s", deletion, fork(source, 2, *SOURCE[:2], FORKED)))
    assert said(store, "s") == rows(log(*SOURCE[:2], FORKED))
    assert outcome.begun == {"s": loaded(store, "s").no}
    assert in_trash(store) == [(source, "s")]
