"""Values at the edge of what PostgreSQL takes, and beyond it."""

from collections.abc import Callable

import pytest
from attrs import evolve

from persistence.postgres import arrays
from persistence.postgres.store import PostgresStore
from persistence.postgres.writing import transaction
from runtime import (
    Delta,
    DraftChunk,
    Lease,
    Listing,
    Origin,
    Settings,
    Standing,
    Undelete,
    Wanted,
)
from tests.persistence.builders import (
    NOON,
    Item,
    begins,
    born,
    delta,
    follows,
    header,
    log,
    message,
    record,
)
from tests.persistence.contract.stores import begun, committed, listed, loaded, rows, said

NULLS = ["\0", "a\0b", "\1", "\1\1", "\0\1\2", "\2\0"]


@pytest.mark.parametrize("text", NULLS)
def test_keys_and_calls_may_have_nulls(store: PostgresStore, text: str) -> None:
    items = (
        record(text, 1),
        record(f"{text}x", 2),
        message("m", text, call=text),
        record(text, 3),
        Item("message", None, {"role": "user", "content": text}),
    )
    [no] = begun(store, born("s", *items))
    assert said(store, "s") == rows(log(*items))
    found = store.find(no, Wanted(keys=[("record", text)]))
    assert [row[0] for row in found] == [1, 4]
    assert [row[0] for row in store.find(no, Wanted(calls=[text]))] == [3]
    stored = store.load("s", 0)
    assert stored is not None
    assert [key for _, _, key, _, _ in stored.outline] == [text, f"{text}x", text]


@pytest.mark.parametrize("text", NULLS)
def test_ids_titles_and_agents_may_have_nulls(store: PostgresStore, text: str) -> None:
    settings = Settings(title=text, forked_from=Origin(text, 0))
    [no] = begun(store, born(text, "m", settings=settings, current_agent=text))
    session = loaded(store, text)
    assert (session.settings, session.header.current_agent) == (settings, text)
    [info] = store.list_sessions(Listing(prefix=text), 9).sessions
    assert (info.session_id, info.title, info.current_agent) == (text, text, text)
    step = follows(no, 1, "m", current_agent=text, end="trash")
    committed(store, delta(text, step))
    [lying] = store.trash(9, None, text).sessions
    assert lying.info.session_id == text
    committed(store, delta(f"{text}2", Undelete(no)))
    assert listed(store) == [f"{text}2"]
    assert list(store.expired("9", 9)) == [f"{text}2"]


@pytest.mark.parametrize("text", NULLS)
def test_drafts_may_have_nulls(store: PostgresStore, text: str) -> None:
    chunks = [
        DraftChunk(key=key, offset=0, role=text, at=NOON, body=b"[]") for key in (text, "other")
    ]
    [no] = begun(store, delta("s", begins("m", drafts=chunks)))
    assert list(loaded(store, "s").drafts) == chunks
    committed(store, delta("s", follows(no, 1, "m", drafts_gone=[text])))
    assert list(loaded(store, "s").drafts) == chunks[1:]


def test_a_list_with_nulls_is_in_the_order_of_the_ids(store: PostgresStore) -> None:
    names = sorted(["a", "a\0", "a\1", "a\2", "a\0b", "a\1b", "b"])
    committed(store, *map(born, names))
    assert listed(store, Listing(order="created")) == names
    assert listed(store, Listing(prefix="a\0", order="created")) == ["a\0", "a\0b"]


def test_a_filter_by_metadata_may_have_nulls(store: PostgresStore) -> None:
    committed(
        store,
        born("s", settings=Settings(metadata=b'{"a\\u0000":"x\\u0000"}')),
        born("t", settings=Settings(metadata=b'{"a":"x"}')),
    )
    assert listed(store, Listing(metadata=(("a\0", "x\0"),))) == ["s"]


# -- beyond ------------------------------------------------------------------------------------


def with_body(body: bytes) -> Delta:
    [entry] = log("x")
    return delta("bad", evolve(begins("x"), entries=[evolve(entry, body=body)]))


BAD: dict[str, Callable[[], Delta]] = {
    "a key too long for an index": lambda: born("bad", record(noise(3_000), 1)),
    "a call's id too long for an index": lambda: born("bad", message("m", call=noise(3_000))),
    "a session's id too long for an index": lambda: born(noise(3_000), "m"),
    "a lone surrogate in an id": lambda: born("bad\ud800", "m"),
    "a lone surrogate in a call's id": lambda: born("bad", message("m", call="\ud800")),
    "a lone surrogate in a title": lambda: born("bad", settings=Settings(title="\ud800")),
    "a body that is not UTF-8": lambda: with_body(b'"\xff"'),
    "a body with half a character": lambda: with_body('"Ж"'.encode()[:2]),
    "a body with a null": lambda: with_body(b'"\0"'),
    "a number beyond 64 bits": lambda: born("bad", "m", message_count=2**63),
    "a negative number": lambda: born("bad", "m", message_count=-1),
    "an integer that is none": lambda: born("bad", "m", message_count="many"),
    "a text that is none": lambda: born("bad", "m", current_agent=7),
    "a time that is none": lambda: born(
        "bad",
        "m",
        standing=Standing(lease=Lease(1, NOON, "long")),  # type: ignore[arg-type]
    ),
    "a text that is too long": lambda: with_body(b'"%s"' % (b"x" * 100_000)),
    "nothing where a text must be": lambda: born("bad", "m", last_activity=None),
}


def noise(size: int) -> str:
    """So many characters, of which hardly any follows from those before it."""
    return "".join(chr(0x4E00 + n * n * 7919 % 20_000) for n in range(size))


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_written_keeps_only_its_own_session_out(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(arrays, "LONGEST", 90_000)
    bad = BAD[what]()
    good = [born(f"s{n}", "m") for n in range(20)]
    outcome = store.commit([*good[:13], bad, *good[13:]])
    assert list(outcome.rejected) == [bad.session_id]
    assert outcome.begun.keys() == {one.session_id for one in good}
    assert store.count() == 20
    assert outcome.rejected[bad.session_id].__cause__ is not None


def test_every_guilty_one_is_found(store: PostgresStore) -> None:
    guilty = {f"s{n}" for n in range(40) if n % 3 == 0 or n == 7}
    names = [f"s{n}" for n in range(40)]
    deltas = [born(name, message("m", call="\ud800" * (name in guilty))) for name in names]
    outcome = store.commit(deltas)
    assert outcome.rejected.keys() == guilty
    assert store.count() == 40 - len(guilty)
    assert sorted(listed(store)) == sorted(outcome.begun)


def test_a_rejection_says_what_the_server_says(store: PostgresStore) -> None:
    committed(store, born("s", "m"))
    outcome = store.commit([born("s", "again")])
    assert "session_by_id" in str(outcome.rejected["s"])
    assert "\n" not in str(outcome.rejected["s"])


def test_a_batch_of_many_large_texts_goes_with_several_statements(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "MESSAGE_SIZE", 1_000)
    texts = ["x" * 700, "y" * 10, "z" * 5_000, "end"]
    committed(store, born("s", *texts), born("t", *texts))
    assert said(store, "s") == said(store, "t") == rows(log(*texts))


def test_a_text_of_many_mebibytes_comes_back(store: PostgresStore) -> None:
    text = "Ж" * 12_000_000
    entries = log(text)
    committed(store, delta("s", evolve(begins(), header=header(entries), entries=entries)))
    assert said(store, "s") == rows(entries)
