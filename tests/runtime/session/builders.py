"""What the tests of one session are made of: moments, states, a store to reload from, JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime.session.asked.fork import fork_of
from runtime.session.asked.items import Item
from runtime.session.entries.tail import Needs
from runtime.session.kinds import message, record
from runtime.session.kinds.message import from_json
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import SessionState
from runtime.store.deltas import Delta
from runtime.store.entries import Entry, Row, Wanted
from runtime.store.steps import Change
from runtime.store.stored import StoredSession
from tests.runtime.fakes import from_entry

R = TypeVar("R")

NOON = "2025-12-31T12:00:00.000Z"

MOMENT = Moment(0.0, NOON)
"""When sessions are activated here."""


def at(minute: int) -> str:
    """A moment in the hours after noon."""
    return f"2025-12-31T{12 + minute // 60:02}:{minute % 60:02}:00.000Z"


def user(content: Any, key: str | int | None = None, **members: Any) -> dict[str, Any]:
    """A user's message, as a client sends it."""
    found: dict[str, Any] = {"role": "user", "content": content, **members}
    return found if key is None else {**found, "id": key}


def say(state: SessionState, *messages: Mapping[str, Any], when: str = NOON) -> Sequence[int]:
    """Appends messages; returns their numbers."""
    return message.append(state, [from_json(sent) for sent in messages], at=when).seqs


def absent(session_id: str = "s") -> SessionState:
    return SessionState(session_id=session_id, kinds=KINDS)


def session_with(*contents: str) -> SessionState:
    """A session with a message for each content, which is its id as well."""
    state = absent()
    say(state, *(user(content, content) for content in contents))
    return state


def texts(state: SessionState) -> list[Any]:
    """The contents of the messages that count."""
    return [msgspec.json.decode(entry.body)["content"] for entry in state.present().messages()]


def values(state: SessionState) -> dict[str, Any]:
    """The records."""
    return {found.key: found.decoded for found in record.read(state, limit=100_000).records}


def picture(state: SessionState) -> tuple[Any, ...]:
    """All that a session says of itself."""
    life = state.life
    if life is None:
        return (state.mark, state.durable_mark, state.undurable_bytes)
    log = [life.entry(seq) for seq in range(1, life.version + 1)]
    folds = {name: fold.view() for name, fold in life.folds.items()}
    return (
        state.mark,
        state.durable_mark,
        state.undurable_bytes,
        log,
        folds,
        life.header(),
        life.settings(),
        life.settings_changed,
        state.delta(),
    )


def commit(state: SessionState, store: MemoryStore) -> None:
    """Brings the store to what the session is."""
    delta = state.delta()
    committed = store.commit([delta])
    assert not committed.rejected
    state.mark_durable(delta, committed)


def reloaded(state: SessionState, store: MemoryStore | None = None) -> SessionState:
    """The session as it is after a restart, from this store, or from a new one that has it all."""
    if store is not None:
        commit(state, store)
    else:
        store, life = MemoryStore(), state.present()
        whole = Change(
            no=None,
            root=life.log.root,
            header=life.header(),
            after=0,
            settings=life.settings(),
            entries=[life.entry(seq) for seq in range(1, life.version + 1)],
        )
        assert not store.commit(
            [Delta(session_id=state.session_id, mark=0, steps=[whole])]
        ).rejected
    return SessionState.restored(state.session_id, KINDS, store.load(state.session_id), MOMENT)


def forked(state: SessionState, version: int | None = None, **patch: Any) -> SessionState:
    """The fork, as it is read from the store."""
    store = MemoryStore()
    commit(state, store)
    step = fork_of(state, version=version, patch=patch, at=at(60))
    assert not store.commit([Delta(session_id="f", mark=1, steps=[step])]).rejected
    return SessionState.restored("f", KINDS, store.load("f"), MOMENT)


def with_tail_only(state: SessionState, first: int) -> tuple[SessionState, MemoryStore]:
    """The session after a restart, but with its entries from `first` on in memory only."""
    store = MemoryStore()
    commit(state, store)
    stored = store.load(state.session_id)
    assert stored is not None
    return restored(state.session_id, from_entry(stored, first), store), store


def restored(session_id: str, stored: StoredSession, store: MemoryStore) -> SessionState:
    """The session that is stored, given what it lacks, as an activation does."""
    brought: list[tuple[Wanted, Sequence[Row]]] = []
    for _ in range(10):
        try:
            return SessionState.restored(session_id, KINDS, stored, MOMENT, brought)
        except Needs as needs:
            brought.append((needs.wanted, store.find(stored.no, needs.wanted)))
    raise AssertionError("it never has enough")


def asking(state: SessionState, store: MemoryStore, command: Callable[[SessionState], R]) -> R:
    """Gives the command what it lacks until it has what it needs, as an actor does."""
    life = state.present()
    assert life.no is not None
    try:
        for _ in range(10):
            before = state.mark, life.version
            try:
                return command(state)
            except Needs as needs:
                assert (state.mark, life.version) == before, "it has changed nothing"
                life.log.bring(needs.wanted, store.find(life.no, needs.wanted))
    finally:
        life.log.release()
    raise AssertionError("it never has enough")


def said(content: str, key: str | None = None) -> Item:
    """A message of a call of several entries."""
    return Item(kind="message", key=key, body={"role": "user", "content": content})


def put(key: str, value: Any) -> Item:
    return Item(kind="record", key=key, body={"value": value})


def removed(key: str) -> Item:
    return Item(kind="record", key=key, body={"removed": True})


def back_to(to: int, key: str | None = None) -> Item:
    return Item(kind="rewind", key=key, body={"to": to})


def entry(seq: int, **members: Any) -> Entry:
    """An entry whose chain is made up."""
    found: dict[str, Any] = {
        "kind": "message",
        "key": None,
        "at": NOON,
        "body": b'{"role":"user","content":"%d"}' % seq,
        "chain": seq.to_bytes(8, "big"),
        "form": 1,
    }
    return Entry(seq, **{**found, **members})


# -- JSON --------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers() | st.integers(-(10**300), 10**300)
floats = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | floats | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=15,
)
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
roles = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
ids = keys | st.just("") | st.none() | st.integers(-(10**200), 10**200)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """Any JSON object that has a role, and mostly the members that agents give it."""
    found: dict[str, Any] = draw(st.dictionaries(text, json_values, max_size=4))
    found["role"] = draw(roles)
    for name, wanted in (
        ("content", json_values | text),
        ("metadata", json_values),
        ("id", ids),
        ("name", json_values),
        ("parts", json_values),
    ):
        found.pop(name, None)
        if draw(st.booleans()):
            found[name] = draw(wanted)
    names = draw(st.permutations(sorted(found)))
    return {name: found[name] for name in names}
