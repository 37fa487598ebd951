"""What a commit leaves for whoever loads: lives that begin and go on."""

import pytest
from attrs import evolve

from runtime.store.entries import NUMBER_ID, PLAIN, TEXT_ID, Entry
from runtime.store.store import Store
from runtime.store.stored import ALL, Header, Origin, Settings
from tests.persistence.builders import (
    NOON,
    ROOT,
    Item,
    at,
    begins,
    born,
    delta,
    follows,
    header,
    log,
    message,
    record,
    switch,
)
from tests.persistence.contract.stores import begun, committed, loaded, reject, rows, said

SETTINGS = Settings(
    title="Заголовок 'in' \"quotes\"",
    archived=True,
    metadata='{"ключ":"значение","n":12345678901234567890}'.encode(),
    forked_from=Origin("the/original", 7),
    intervals=((1, 2), (4, 4), (6, None)),
)


def test_an_unknown_session_is_none(store: Store) -> None:
    assert store.load("nobody") is None


def test_an_empty_batch_is_fine(store: Store) -> None:
    outcome = committed(store)
    assert (dict(outcome.begun), list(outcome.expired), outcome.leftover) == ({}, [], False)


@pytest.mark.parametrize("session_id", ["s", "a/b %_'\"", "Я 👋", "." * 512])
def test_a_session_is_found_by_its_id_alone(store: Store, session_id: str) -> None:
    committed(store, born(session_id, "mine"), born("another", "not mine"))
    assert said(store, session_id) == rows(log("mine"))


def test_the_header_comes_back_as_it_was_committed(store: Store) -> None:
    written = Header(
        created_at=NOON,
        last_activity=at(5),
        version=0,
        message_count=2,
        current_agent="coder 'Ж'",
        switch_count=3,
        last_switch_at=at(4),
        floor=0,
    )
    committed(store, delta("s", evolve(begins(), header=written)))
    assert loaded(store, "s").header == written


def test_the_floor_comes_back(store: Store) -> None:
    committed(store, born("s", "one", "two", floor=2))
    assert loaded(store, "s").header.floor == 2


def test_the_settings_come_back_as_they_were_committed(store: Store) -> None:
    committed(store, born("s", settings=SETTINGS))
    assert loaded(store, "s").settings == SETTINGS


def test_a_life_that_begins_without_settings_has_the_default_ones(store: Store) -> None:
    committed(store, born("s", "one"))
    assert loaded(store, "s").settings == Settings(metadata=b"{}", intervals=ALL)


@pytest.mark.parametrize(
    "item",
    [
        message("Привет 👋"),
        Item("message", "id-1", {"role": "user", "content": "\0"}, form=PLAIN | TEXT_ID),
        Item("message", "42", {"role": "user", "content": "", "n": 2**70}, form=NUMBER_ID),
        Item("message", None, {"role": "a", "content": [None, 1.5]}, metadata=b'{"a": 1}'),
        Item("record", "Я/'\"%_", {"value": [1, {"a": None}]}),
        Item("switch", "", {"from": "a", "to": "b", "reason": ""}),
        Item("a kind of later", "k", {"any": "thing"}, at(59), b"{}", 0, "call-1"),
    ],
)
def test_an_entry_comes_back_as_it_was_committed(store: Store, item: Item) -> None:
    committed(store, born("s", item))
    assert said(store, "s") == rows(log(item))


def test_a_body_comes_back_to_the_letter(store: Store) -> None:
    body = b'{"role":"user","content": "\\u0041\\u0000",  "n":1.50, "n":1e3}'
    entry = Entry(1, "message", None, NOON, body, b"\xff\0\xfe'\"\\\n\r")
    change = evolve(begins(), header=header([entry]), entries=[entry])
    committed(store, delta("s", change))
    assert said(store, "s") == rows([entry])


@pytest.mark.parametrize("root", [bytes(8), b"\xff\0\xfe\xfd\n\r'\""])
def test_the_root_comes_back(store: Store, root: bytes) -> None:
    committed(store, delta("s", evolve(begins(), root=root)))
    assert loaded(store, "s").root == root


def test_the_root_stays_when_a_life_goes_on(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    committed(store, delta("s", follows(no, 1, "one", "two")))
    assert loaded(store, "s").root == ROOT


def test_a_session_may_have_no_entries(store: Store) -> None:
    committed(store, born("s"))
    assert said(store, "s") == []


def test_a_session_without_entries_goes_on(store: Store) -> None:
    [no] = begun(store, born("s"))
    committed(store, delta("s", follows(no, 0, "one")))
    assert said(store, "s") == rows(log("one"))


def test_lives_that_begin_are_named_with_the_numbers_that_they_are_loaded_with(
    store: Store,
) -> None:
    first, second = begun(store, born("a"), born("b"))
    assert first != second
    assert (loaded(store, "a").no, loaded(store, "b").no) == (first, second)


def test_a_life_that_goes_on_has_not_begun(store: Store) -> None:
    [no] = begun(store, born("s", "one"))
    outcome = committed(store, delta("s", follows(no, 1, "one", "two")))
    assert not outcome.begun
    assert loaded(store, "s").no == no


def test_entries_are_appended_to_the_stored_ones(store: Store) -> None:
    items = (message("one"), record("k", 1), message("three"), switch("coder"))
    [no] = begun(store, born("s", *items[:2]))
    committed(store, delta("s", follows(no, 2, *items)))
    assert said(store, "s") == rows(log(*items))


def test_each_session_of_a_batch_gets_its_own_entries(store: Store) -> None:
    names = [f"s{n}" for n in range(5)]
    numbers = begun(store, *(born(name, name) for name in names))
    committed(
        store,
        *(
            delta(name, follows(no, 1, name, f"{name} again"))
            for name, no in reversed(list(zip(names, numbers, strict=True)))
        ),
    )
    assert [said(store, name) for name in names] == [
        rows(log(name, f"{name} again")) for name in names
    ]


def test_a_header_alone_changes_nothing_else(store: Store) -> None:
    [no] = begun(store, born("s", "one", settings=SETTINGS))
    committed(store, delta("s", follows(no, 1, "one", current_agent="coder")))
    session = loaded(store, "s")
    assert session.header.current_agent == "coder"
    assert session.settings == SETTINGS
    assert list(session.entries) == rows(log("one"))


def test_settings_that_come_take_the_place_of_the_stored_ones(store: Store) -> None:
    [no] = begun(store, born("s", settings=SETTINGS))
    committed(store, delta("s", follows(no, 0, settings=Settings(title="new"))))
    assert loaded(store, "s").settings == Settings(title="new")


def test_settings_that_are_absent_leave_the_stored_ones(store: Store) -> None:
    [no] = begun(store, born("s", settings=SETTINGS))
    committed(store, delta("s", follows(no, 0, "one")))
    assert loaded(store, "s").settings == SETTINGS


def test_a_session_is_deleted_and_begun_again_before_a_commit(store: Store) -> None:
    outcome = committed(
        store,
        delta(
            "s",
            begins("first", end="trash"),
            begins("second", settings=SETTINGS, end="trash"),
            begins("third", "and on"),
        ),
    )
    session = loaded(store, "s")
    assert outcome.begun == {"s": session.no}
    assert list(session.entries) == rows(log("third", "and on"))
    assert session.settings == Settings()


def test_a_stored_life_ends_and_another_begins_in_one_delta(store: Store) -> None:
    [no] = begun(store, born("s", "old", settings=SETTINGS))
    committed(store, delta("s", follows(no, 1, "old", "last", end="trash"), begins("new")))
    session = loaded(store, "s")
    assert session.no != no
    assert session.settings == Settings()
    assert list(session.entries) == rows(log("new"))


def test_a_number_is_never_given_again(store: Store) -> None:
    given: list[int] = []
    for _ in range(5):
        given += begun(store, born("s", "x"))
        committed(store, delta("s", follows(given[-1], 1, "x", end="purge")))
        reject(store, delta("t", begins("y"), begins("y again")))
    assert len(set(given)) == len(given)


def test_sessions_are_counted(store: Store) -> None:
    assert store.count() == 0
    committed(store, born("a"), born("b"))
    assert store.count() == 2


def test_the_deleted_are_not_counted(store: Store) -> None:
    committed(store, born("a"), delta("b", begins(end="trash")), delta("c", begins(end="purge")))
    assert store.count() == 1


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()
