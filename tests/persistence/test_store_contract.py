"""What every store does. Runs on each of them, so that the one in memory is a verified fake."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import pytest
from attrs import asdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence import MemoryStore, SQLiteStore
from persistence.sqlite.reader import LIST_CHUNK
from runtime.errors import DeltaRejected
from runtime.session.message import Entry
from runtime.session.transcript import Transcript
from runtime.store import Delta, Header, ListPosition, Store, StoredSession
from tests.persistence.builders import NOON, at, delta, entries, erasure, switch

MAKERS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: SQLiteStore.open(folder / "sessions.db"),
    "memory": lambda folder: MemoryStore(),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = MAKERS[request.param](tmp_path)
    yield store
    store.close()


def loaded(store: Store, session_id: str) -> StoredSession:
    session = store.load(session_id)
    assert session is not None
    return session


def test_an_unknown_session_is_none(store: Store) -> None:
    assert store.load("nobody") is None


def test_a_session_comes_back_as_it_was_committed(store: Store) -> None:
    header = Header(
        created_at=NOON,
        last_activity=at(5),
        version=7,
        message_count=2,
        current_agent="coder",
        switch_count=3,
        last_switch_at=at(4),
        metadata='{"ключ":"значение"}'.encode(),
    )
    messages = (
        Entry('{"role":"user","content":"Привет 👋 \\u0000"}'.encode(), NOON, "id-1", b'{"a":1}'),
        Entry(b'{"role":"assistant","content":""}', at(1)),
    )
    switches = (switch("architect", "because"), switch("coder", ""))
    store.commit(
        [Delta(session_id="s", version=7, header=header, entries=messages, switches=switches)]
    )

    session = loaded(store, "s")
    assert session.header == header
    assert tuple(session.entries) == messages
    assert tuple(session.switches) == switches


def test_a_session_may_have_no_messages(store: Store) -> None:
    store.commit([delta("s")])
    assert list(loaded(store, "s").entries) == []


def test_messages_are_appended_to_a_session_created_empty(store: Store) -> None:
    store.commit([delta("s")])
    store.commit([delta("s", "one")])
    assert tuple(loaded(store, "s").entries) == entries("one")


def test_messages_are_appended_to_the_stored_ones(store: Store) -> None:
    store.commit([delta("s", "one", "two")])
    store.commit([delta("s", "three", after=2)])
    assert tuple(loaded(store, "s").entries) == entries("one", "two", "three")


def test_switches_are_appended_to_the_stored_ones(store: Store) -> None:
    store.commit([delta("s", switches=[switch("coder")])])
    store.commit([delta("s", switches=[switch("architect")], first_switch=2)])
    assert [item.to_agent for item in loaded(store, "s").switches] == ["coder", "architect"]


def test_a_header_alone_changes_nothing_else(store: Store) -> None:
    store.commit([delta("s", "one")])
    store.commit([delta("s", after=1, current_agent="coder")])
    session = loaded(store, "s")
    assert session.header.current_agent == "coder"
    assert tuple(session.entries) == entries("one")


def test_a_delta_without_header_writes_nothing(store: Store) -> None:
    store.commit([Delta(session_id="s", version=1, entries=entries("one"))])
    assert store.load("s") is None


def test_an_empty_batch_is_fine(store: Store) -> None:
    assert not store.commit([]).rejected


def test_erasing_takes_everything(store: Store) -> None:
    store.commit([delta("s", "one", switches=[switch("coder")]), delta("other", "mine")])
    committed = store.commit([erasure("s")])
    assert list(committed.erased) == ["s"]
    assert store.load("s") is None
    assert tuple(loaded(store, "other").entries) == entries("mine")


def test_erasing_what_is_not_there_is_fine(store: Store) -> None:
    committed = store.commit([erasure("nobody")])
    assert not committed.erased
    assert not committed.rejected


def test_an_erased_session_may_begin_anew_in_the_same_delta(store: Store) -> None:
    store.commit([delta("s", "one", "two", switches=[switch("coder")])])
    committed = store.commit([delta("s", "new", erase=True)])
    assert list(committed.erased) == ["s"]
    assert tuple(loaded(store, "s").entries) == entries("new")
    assert loaded(store, "s").switches == []


def test_erasing_before_a_moment_spares_who_was_active_then(store: Store) -> None:
    store.commit([delta("s", last_activity=at(5))])
    committed = store.commit([erasure("s", before=at(5))])
    assert not committed.erased
    assert not committed.rejected
    assert store.load("s") is not None


def test_erasing_before_a_moment_takes_who_was_active_earlier(store: Store) -> None:
    store.commit([delta("s", last_activity=at(5))])
    assert list(store.commit([erasure("s", before=at(6))]).erased) == ["s"]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(delta("bad", "three", after=3), id="a gap"),
        pytest.param(delta("bad", "two again", after=1), id="a repetition"),
        pytest.param(delta("bad", "one again"), id="a second beginning"),
        pytest.param(delta("bad", after=3), id="a header that counts more than is there"),
        pytest.param(delta("bad", after=1), id="a header that counts fewer than are there"),
        pytest.param(delta("bad", "x", after=2, first_seq=4), id="a contradiction in itself"),
        pytest.param(
            delta("bad", after=2, switches=[switch("coder")], first_switch=3),
            id="a gap in the switches",
        ),
        pytest.param(
            delta("bad", after=2, switches=[switch("coder")], first_switch=1),
            id="a switch repeated",
        ),
        pytest.param(delta("new", "x", after=1), id="a new session that begins in the middle"),
        pytest.param(delta("\ud800", "x"), id="an id that is not text"),
    ],
)
def test_a_delta_that_does_not_fit_is_rejected_alone(store: Store, bad: Delta) -> None:
    before = delta("bad", "one", "two", switches=[switch("architect")])
    store.commit([before])

    committed = store.commit([delta("a", "first"), bad, delta("z", "last")])

    assert list(committed.rejected) == [bad.session_id]
    rejection = committed.rejected[bad.session_id]
    assert isinstance(rejection, DeltaRejected)
    assert repr(bad.session_id) in str(rejection)
    assert store.count() == 3
    assert before.header is not None
    assert loaded(store, "bad") == StoredSession(
        before.header, Transcript.of(before.entries), list(before.switches)
    )
    assert tuple(loaded(store, "a").entries) == entries("first")
    assert tuple(loaded(store, "z").entries) == entries("last")


def test_a_rejected_erasure_erases_nothing(store: Store) -> None:
    store.commit([delta("s", "one")])
    committed = store.commit([delta("s", "x", after=1, erase=True)])
    assert list(committed.rejected) == ["s"]
    assert not committed.erased
    assert tuple(loaded(store, "s").entries) == entries("one")


def test_the_list_is_by_last_activity_then_by_id_both_descending(store: Store) -> None:
    store.commit(
        [
            delta("b", last_activity=at(1)),
            delta("c", "x", last_activity=at(2), current_agent="coder"),
            delta("a", last_activity=at(2)),
            delta("Я", last_activity=at(1)),
        ]
    )
    page = store.list_sessions()
    assert [info.session_id for info in page.sessions] == ["c", "a", "Я", "b"]
    assert (page.total, page.next) == (4, None)
    first = page.sessions[0]
    assert (first.message_count, first.last_activity, first.current_agent) == (1, at(2), "coder")


@pytest.mark.parametrize("count", [0, 1, LIST_CHUNK, LIST_CHUNK + 1, 2 * LIST_CHUNK])
def test_the_chunks_put_together_are_the_list_as_json(store: Store, count: int) -> None:
    store.commit([delta(f'"{n}" Я', last_activity=at(n % 3)) for n in range(count)])
    chunks = list(store.stream_sessions())
    found = json.loads(b"[" + b",".join(chunk.json for chunk in chunks if chunk.count) + b"]")
    assert found == [asdict(session) for session in store.list_sessions().sessions]
    assert sum(chunk.count for chunk in chunks) == count
    members = ["session_id", "message_count", "last_activity", "current_agent"]
    assert all(list(session) == members for session in found)


def test_the_chunks_are_of_one_moment(store: Store) -> None:
    store.commit([delta(f"s{n}", last_activity=at(1)) for n in range(2 * LIST_CHUNK)])
    chunks = store.stream_sessions()
    first = next(chunks)
    store.commit([delta(f"s{n}", "x", last_activity=at(2)) for n in range(2 * LIST_CHUNK)])
    sessions = json.loads(
        b"[" + b",".join([first.json, *(c.json for c in chunks if c.count)]) + b"]"
    )
    assert {session["last_activity"] for session in sessions} == {at(1)}
    assert len(sessions) == 2 * LIST_CHUNK


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_pages_put_together_are_the_list(store: Store, limit: int) -> None:
    store.commit([delta(f"s{n}", last_activity=at(n % 2)) for n in range(5)])
    found: list[str] = []
    after: ListPosition | None = None
    for _ in range(5):
        page = store.list_sessions(limit, after)
        assert len(page.sessions) <= limit
        assert page.total == 5
        found += [info.session_id for info in page.sessions]
        after = page.next
        if after is None:
            break
    assert found == ["s3", "s1", "s4", "s2", "s0"]


def test_a_position_need_not_be_that_of_a_session(store: Store) -> None:
    store.commit([delta("a", last_activity=at(1)), delta("b", last_activity=at(3))])
    page = store.list_sessions(10, ListPosition(at(2), "gone"))
    assert [info.session_id for info in page.sessions] == ["a"]


def test_the_expired_are_oldest_first_and_not_more_than_asked_for(store: Store) -> None:
    store.commit([delta(f"s{n}", last_activity=at(9 - n)) for n in range(5)])
    assert list(store.expired(at(8), 10)) == ["s4", "s3", "s2"]
    assert list(store.expired(at(8), 2)) == ["s4", "s3"]
    assert list(store.expired(at(5), 2)) == []


def test_sessions_are_counted(store: Store) -> None:
    assert store.count() == 0
    store.commit([delta("a"), delta("b")])
    assert store.count() == 2


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()


def test_readers_beside_the_writer_see_whole_batches(store: Store) -> None:
    texts = ("one", "two")
    store.commit([delta("a"), delta("b")])
    done = Event()
    torn: list[tuple[int, int, int]] = []

    def read() -> None:
        while not done.is_set():
            second = loaded(store, "b")
            first = loaded(store, "a")  # read later, so it may only be ahead
            if second.header.message_count != len(second.entries) or len(first.entries) < len(
                second.entries
            ):
                torn.append((second.header.message_count, len(second.entries), len(first.entries)))

    readers = [Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(50):
        store.commit([delta(name, *texts, after=2 * n) for name in "ab"])
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []


# A session is a number of messages; a step is what happens to one session, and batches are lists
# of steps on different sessions.
STEPS = st.sampled_from(["append", "header", "erase", "restart", "gap", "repeat", "expire"])
BATCHES = st.lists(st.dictionaries(st.sampled_from("abcd"), STEPS, max_size=4), max_size=12)


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(batches=BATCHES)
def test_any_history_leaves_what_a_plain_dict_would(
    kind: str, batches: list[dict[str, str]]
) -> None:
    model: dict[str, list[str]] = {}
    with TemporaryDirectory() as folder:
        store = MAKERS[kind](Path(folder))
        try:
            for number, batch in enumerate(batches):
                play(store, model, number, batch)
            assert {info.session_id for info in store.list_sessions().sessions} == model.keys()
            for name, texts in model.items():
                session = loaded(store, name)
                assert session.header.message_count == len(texts)
                contents = [json.loads(entry.body)["content"] for entry in session.entries]
                assert contents == texts
        finally:
            store.close()


def play(store: Store, model: dict[str, list[str]], number: int, batch: dict[str, str]) -> None:
    deltas: list[Delta] = []
    rejected: set[str] = set()
    erased: set[str] = set()
    for name, step in batch.items():
        text = f"{name}{number}"
        stored = len(model.get(name, []))
        match step:
            case "append":
                deltas.append(delta(name, text, after=stored))
                model.setdefault(name, []).append(text)
            case "header":
                deltas.append(delta(name, after=stored))
                model.setdefault(name, [])
            case "restart":
                deltas.append(delta(name, text, erase=True))
                erased |= {name} & model.keys()
                model[name] = [text]
            case "erase" | "expire":
                deltas.append(erasure(name, at(1) if step == "expire" else None))
                erased |= {name} & model.keys()
                model.pop(name, None)
            case "gap":
                deltas.append(delta(name, text, after=stored + 1))
                rejected.add(name)
            case "repeat" if stored:
                deltas.append(delta(name, text, after=stored - 1))
                rejected.add(name)
    committed = store.commit(deltas)
    assert committed.rejected.keys() == rejected
    assert set(committed.erased) == erased
