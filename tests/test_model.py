"""Sessions in memory, in all stores, and in the published views, against a plain list.

After every step all of them say the same. Commands are given to the state itself, and deltas to the
stores: no task runs, so every sequence of steps can be tried, and one that fails be shrunk.
"""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import pytest
from attrs import define, evolve, field
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from persistence.memory import MemoryStore
from persistence.postgres.store import PostgresStore
from persistence.sqlite.store import SQLiteStore
from runtime.config import MiB
from runtime.errors import BelowFloor, CallerError, InvalidInput
from runtime.session.asked import calls, reading
from runtime.session.asked.fork import fork_of
from runtime.session.asked.items import Item
from runtime.session.asked.reading import Part
from runtime.session.entries.forms import sent, shown_json
from runtime.session.entries.stretch import Stretch
from runtime.session.entries.tail import Needs
from runtime.session.kinds import message, record, rewind, settings, switch
from runtime.session.kinds.message import from_json
from runtime.session.kinds.table import KINDS
from runtime.session.life import Moment
from runtime.session.state import SessionState
from runtime.session.steps import at_once
from runtime.store.deltas import Delta
from runtime.store.entries import MESSAGE, Entry, Row, Wanted
from runtime.store.steps import Undelete
from runtime.store.store import Store
from tests.model import Asked, Model, Refused
from tests.persistence.builders import query
from tests.persistence.databases import Grounds, asked, emptied
from tests.properties import examples

T = TypeVar("T")

IDS = ("a", "b", "c")
PLACES = st.integers(0, 2**16)
"""A place in a log of any length: taken modulo what there is."""

_parts = [{"type": "text", "text": "one"}, {"type": "image", "data": ""}, {"text": "two"}]
_keys = st.sampled_from(["k", "l", "m"])
_contents = st.sampled_from(["hello", "", None, _parts])

MOMENT = Moment(0.0, "2025-12-31T12:00:00.000Z")
"""When sessions are activated here: nothing of theirs depends on it."""


@st.composite
def messages(draw: st.DrawFn, *, with_id: bool = True) -> dict[str, Any]:
    """One of few: with its id the content is mostly the one that it was sent with before."""
    found: dict[str, Any] = {"role": "user", "content": draw(_contents)}
    if with_id and draw(st.booleans()):
        key = draw(_keys)
        found = {"role": "user", "content": draw(st.sampled_from([key, key, key, "other"]))}
        found["id"] = key
    if draw(st.integers(0, 5)) == 0:
        found["metadata"] = {"n": 1}
    return found


@st.composite
def entries(draw: st.DrawFn) -> Asked:
    """One of a call of several; a rewind's `to` is a place yet."""
    kind = draw(st.sampled_from(["message", "message", "record", "record", "switch", "rewind"]))
    match kind:
        case "message":
            key = draw(st.none() | _keys)
            content = key if key and draw(st.integers(0, 3)) else draw(st.sampled_from("xy"))
            return Asked(kind, {"role": "user", "content": content}, key)
        case "record":
            gone = draw(st.integers(0, 3)) == 0
            body = {"removed": True} if gone else {"value": draw(st.integers(0, 3))}
            return Asked(kind, body, draw(_keys))
        case "switch":
            agent = draw(st.sampled_from(["coder", "coder", "tester"]))
            return Asked(kind, {"to": agent, "reason": "r"}, draw(st.none() | st.just("s")))
    return Asked(kind, {"to": draw(PLACES)}, draw(st.none() | st.just("r")))


def moment(minute: int) -> str:
    return f"2025-12-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z"


def shown_form(sent_message: dict[str, Any]) -> dict[str, Any]:
    """What the guide's history shows of the few messages that are made here."""
    content = sent_message["content"]
    if isinstance(content, list):
        return {"role": "user", "content": "one\n\ntwo", "content_parts": content}
    return {"role": "user", "content": content or ""}


def without(sent_message: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in sent_message.items() if name not in names}


@define
class Side:
    """A store, and the sessions of it that are in memory, so many bytes of each."""

    store: Store
    resident_bytes: int = MiB
    ask_views: Callable[[str], list[tuple[Any, ...]]] | None = None
    """Asks the store's database something in SQL."""
    states: dict[str, SessionState] = field(factory=dict)

    def state(self, session_id: str) -> SessionState:
        if session_id not in self.states:
            self.states[session_id] = self.loaded(session_id)
        return self.states[session_id]

    def loaded(self, session_id: str, moment: Moment = MOMENT) -> SessionState:
        """The session as the store has it, given what it lacks."""
        stored = self.store.load(session_id, self.resident_bytes)
        brought: list[tuple[Wanted, Sequence[Row]]] = []
        while True:
            try:
                return SessionState.restored(
                    session_id, KINDS, stored, moment, brought, self.resident_bytes
                )
            except Needs as needs:
                assert stored is not None
                assert len(brought) < 5, "it never has enough"
                brought.append((needs.wanted, self.store.find(stored.no, needs.wanted)))

    def ask(self, state: SessionState, command: Callable[[SessionState], T]) -> T:
        """Gives the command what it lacks until it has what it needs, as an actor does."""
        asked: list[Wanted] = []
        try:
            while True:
                before = state.mark, state.version
                try:
                    return command(state)
                except Needs as needs:
                    assert (state.mark, state.version) == before, "it has changed nothing"
                    wanted = needs.wanted
                    assert wanted not in asked, "it asks for what it was given"
                    asked.append(wanted)
                    life = state.present()
                    assert life.no is not None, "what the store does not have is in memory"
                    life.log.bring(wanted, self.store.find(life.no, wanted))
        finally:
            if state.life is not None:
                state.life.log.release()

    def whole(self, stretch: Stretch) -> Stretch:
        """The stretch with what of it is not in memory."""
        rows = [
            row
            for seqs in stretch.gaps()
            for row in self.store.find(stretch.no or 0, Wanted(seqs=seqs))
        ]
        return evolve(stretch, earlier=tuple(Entry(*row) for row in rows if row[1] == MESSAGE))

    def commit(self, session_id: str) -> None:
        state = self.state(session_id)
        delta = state.delta()
        committed = self.store.commit([delta])
        assert not committed.rejected
        state.mark_durable(delta, committed)
        assert state.durable_mark == state.mark

    def views(self) -> dict[str, tuple[Any, ...]]:
        """What the published views say of each session."""
        assert self.ask_views is not None
        rows = self.ask_views(
            "SELECT session_id, messages, current_agent, agent_history, switch_count"
            "  FROM sessions JOIN agent_contexts USING (session_id)"
        )
        return {
            session_id: (json.loads(bodies), agent, json.loads(history), switches)
            for session_id, bodies, agent, history, switches in rows
        }


class SessionsAndLists(RuleBasedStateMachine):
    def __init__(self, sides: list[Side]) -> None:
        super().__init__()
        self.sides = sides
        self.models: dict[str, Model] = {}
        """The living sessions, in memory."""
        self.committed: dict[str, Model] = {}
        """And as the stores have them."""
        self.trash: list[tuple[str, str, Model]] = []
        """As the stores have it, what was deleted last first: when, which id, and what."""
        self.ended: list[tuple[str, str, Model]] = []
        """Lives that were put there, and not yet in the stores."""
        self.called: list[tuple[str, str, tuple[Asked, ...]]] = []
        self.numbers = count(1)
        self.minute = 0

    def teardown(self) -> None:
        for side in self.sides:
            side.store.close()

    # -- steps -------------------------------------------------------------------------------

    def now(self) -> str:
        self.minute += 1
        return moment(self.minute)

    def both(self, session_id: str, command: Any, wanted: Any, model: Any) -> None:
        """Gives the command to each side, and to the model; all refuse it, or answer the same."""
        draft = deepcopy(self.models.get(session_id)) or Model()
        try:
            expected = model(draft)
        except Refused:
            for side in self.sides:
                state = side.state(session_id)
                before = state.mark, state.tag, state.undurable_bytes
                with pytest.raises(CallerError):
                    side.ask(state, command)
                assert (state.mark, state.tag, state.undurable_bytes) == before
            return
        for side in self.sides:
            assert wanted(side.ask(side.state(session_id), command)) == expected
        if draft.version:
            self.models[session_id] = draft

    @rule(session_id=st.sampled_from(IDS), batch=st.lists(messages(), min_size=1, max_size=4))
    def append(self, session_id: str, batch: list[dict[str, Any]]) -> None:
        at = self.now()
        asked = [Asked("message", one, one.get("id")) for one in batch]
        self.both(
            session_id,
            lambda state: message.append(state, [from_json(one) for one in batch], at=at),
            lambda answer: list(answer.seqs),
            lambda model: model.call(asked, at),
        )

    @rule(
        session_id=st.sampled_from(IDS),
        asked=st.lists(entries(), min_size=1, max_size=6),
        named=st.booleans(),
        broken=st.integers(0, 4),
    )
    def call(self, session_id: str, asked: list[Asked], named: bool, broken: int) -> None:
        version = self.models[session_id].version if session_id in self.models else 0
        placed = [
            Asked("rewind", {"to": one.body["to"] % (version + place + 1)}, one.key)
            if one.kind == "rewind"
            else one
            for place, one in enumerate(asked)
        ]
        if broken == 0:  # refused half-way
            placed.append(Asked("rewind", {"to": 2**20}))
        name = f"call-{next(self.numbers)}" if named else None
        if name is not None:
            self.called.append((session_id, name, tuple(placed)))
        self.make(session_id, placed, name)

    @precondition(lambda self: self.called)
    @rule(place=PLACES)
    def call_again(self, place: int) -> None:
        session_id, name, asked = self.called[place % len(self.called)]
        self.make(session_id, list(asked), name)

    @precondition(lambda self: self.called)
    @rule(place=PLACES)
    def call_otherwise(self, place: int) -> None:
        session_id, name, _ = self.called[place % len(self.called)]
        other = Asked("message", {"role": "user", "content": f"new {next(self.numbers)}"})
        self.make(session_id, [other], name)

    def make(self, session_id: str, asked: list[Asked], name: str | None) -> None:
        at = self.now()
        items = [Item(kind=one.kind, body=one.body, key=one.key) for one in asked]
        self.both(
            session_id,
            lambda state: at_once(calls.append_entries(state, items, at=at, call=name)),
            lambda answer: list(answer.seqs),
            lambda model: model.call(asked, at, name),
        )

    @precondition(lambda self: self.models)
    @rule(place=PLACES, agent=st.sampled_from(["coder", "tester", "orchestrator"]))
    def switch_agent(self, place: int, agent: str) -> None:
        session_id, at = self.living(place), self.now()

        def switched(model: Model) -> str:
            if agent != model.agent():
                model.call([Asked("switch", {"to": agent, "reason": "why"})], at)
            return agent

        self.both(
            session_id,
            lambda state: switch.switch_agent(state, agent, reason="why", at=at),
            lambda answer: answer.current_agent,
            switched,
        )

    @precondition(lambda self: self.models)
    @rule(place=PLACES, title=st.sampled_from(["one", "two"]))
    def rename(self, place: int, title: str) -> None:
        session_id, at = self.living(place), self.now()

        def renamed(model: Model) -> str:
            if title != model.title():
                model.call([Asked("settings", {"title": title})], at)
            return title

        self.both(
            session_id,
            lambda state: settings.update(state, {"title": title}, at=at),
            lambda answer: answer.title,
            renamed,
        )

    @precondition(lambda self: self.models)
    @rule(place=PLACES, to=PLACES)
    def go_back(self, place: int, to: int) -> None:
        session_id, at = self.living(place), self.now()
        to %= self.models[session_id].version + 2  # one of which there is not

        def rewound(model: Model) -> int:
            model.call([Asked("rewind", {"to": to})], at)
            return len(model.messages())

        self.both(
            session_id,
            lambda state: rewind.rewind(state, to, at=at),
            lambda answer: answer.message_count,
            rewound,
        )

    @precondition(lambda self: self.models)
    @rule(place=PLACES, ago=st.integers(0, 20))
    def clean_up(self, place: int, ago: int) -> None:
        session_id, before = self.living(place), moment(max(0, self.minute - ago))
        committed = self.sides[0].state(session_id).durable_seq
        self.both(
            session_id,
            lambda state: record.drop_superseded(state, before=before),
            lambda dropped: dropped,
            lambda model: model.drop(before, committed),
        )
        self.check_every_version(session_id)

    def check_every_version(self, session_id: str) -> None:
        """A rewind to any version from the floor on shows all records of it with their values."""
        for side in self.sides:
            side.ask(side.state(session_id), lambda state: self.check_versions_of(state))

    def check_versions_of(self, state: SessionState) -> None:
        model, life = self.models[state.session_id], state.present()
        for version in range(model.floor, model.version + 1):
            for key, seq in record.records_at(life, version).seqs.items():
                assert record.value_at(life, seq) != b"null"
                assert model.records(version)[key] == seq
        if model.floor:
            with pytest.raises(BelowFloor):
                rewind.rewind(state, model.floor - 1, at=self.now())

    @precondition(lambda self: self.models)
    @rule(place=PLACES, at=PLACES, into=st.sampled_from(IDS))
    def fork(self, place: int, at: int, into: str) -> None:
        source, now = self.living(place), self.now()
        if into in self.models or into in self.committed:
            return
        self.commit_one(source)
        model = self.models[source]
        version = at % (model.version + 1)
        body = {"forked_from": {"session_id": source, "at": version}, "title": "fork"}
        try:
            forked = model.fork(version, now, body)
        except Refused:
            for side in self.sides:
                with pytest.raises((InvalidInput, BelowFloor)):
                    side.ask(
                        side.state(source),
                        lambda state: fork_of(state, version=version, patch={}, at=now),
                    )
            return
        self.commit_one(into)  # what became of the life before
        for side in self.sides:
            step = side.ask(
                side.state(source),
                lambda state: fork_of(state, version=version, patch={"title": "fork"}, at=now),
            )
            del side.states[into]
            delta = Delta(session_id=into, mark=1, steps=(step,))
            assert not side.store.commit([delta]).rejected
        self.models[into] = forked
        self.committed[into] = deepcopy(forked)

    @precondition(lambda self: self.models)
    @rule(place=PLACES, purge=st.booleans())
    def delete(self, place: int, purge: bool) -> None:
        session_id, at = self.living(place), self.now()
        for side in self.sides:
            side.state(session_id).delete(at=at, purge=purge)
        model = self.models.pop(session_id)
        if not purge:
            self.ended.append((at, session_id, model))

    @precondition(lambda self: self.trash)
    @rule(place=PLACES)
    def undelete(self, place: int) -> None:
        _, session_id, model = self.trash[place % len(self.trash)]
        if session_id in self.models or session_id in self.committed:
            return
        self.commit_one(session_id)
        # What was deleted since lies on top of it.
        place = next(n for n, (_, _, kept) in enumerate(self.trash) if kept is model)
        for side in self.sides:
            side.states.pop(session_id, None)
            no = side.store.trash(1_000).sessions[place].no
            delta = Delta(session_id=session_id, mark=1, steps=(Undelete(no),))
            assert not side.store.commit([delta]).rejected
        del self.trash[place]
        self.models[session_id] = model
        self.committed[session_id] = deepcopy(model)

    @rule(session_id=st.sampled_from(IDS))
    def commit(self, session_id: str) -> None:
        self.commit_one(session_id)

    @rule(session_id=st.sampled_from(IDS))
    def commit_and_reload(self, session_id: str) -> None:
        self.commit_one(session_id)
        for side in self.sides:
            before = side.state(session_id)
            del side.states[session_id]
            assert side.state(session_id).tag == before.tag

    @rule(session_id=st.sampled_from(IDS))
    def crash(self, session_id: str) -> None:
        for side in self.sides:
            side.states.pop(session_id, None)
        self.ended = [ended for ended in self.ended if ended[1] != session_id]
        self.models.pop(session_id, None)
        if session_id in self.committed:
            self.models[session_id] = deepcopy(self.committed[session_id])

    def commit_one(self, session_id: str) -> None:
        for side in self.sides:
            side.commit(session_id)
        written = [ended for ended in self.ended if ended[1] == session_id]
        self.ended = [ended for ended in self.ended if ended[1] != session_id]
        self.trash = sorted([*self.trash, *written], key=lambda ended: ended[0], reverse=True)
        self.committed.pop(session_id, None)
        if session_id in self.models:
            self.committed[session_id] = deepcopy(self.models[session_id])

    def living(self, place: int) -> str:
        return sorted(self.models)[place % len(self.models)]

    # -- what holds after each of them -------------------------------------------------------

    @invariant()
    def memory_says_what_the_list_says(self) -> None:
        for side in self.sides:
            for session_id in IDS:
                state, model = side.state(session_id), self.models.get(session_id)
                assert (state.life is None) == (model is None)
                if model is not None:
                    check_state(side, state, model)

    @invariant()
    def the_stores_say_what_was_committed(self) -> None:
        for side in self.sides:
            assert side.store.count() == len(self.committed)
            for session_id in IDS:
                stored = side.store.load(session_id, side.resident_bytes)
                model = self.committed.get(session_id)
                assert (stored is None) == (model is None)
                if model is not None and stored is not None:
                    again = side.loaded(session_id)
                    check_state(side, again, model)
                    # What lists are made of is what follows from the entries.
                    assert stored.header == again.present().header()
                    assert stored.settings == again.present().settings()
            kept = side.store.trash(1_000).sessions
            assert [(one.deleted_at, one.info.session_id, one.info.version) for one in kept] == [
                (at, session_id, model.version) for at, session_id, model in self.trash
            ]

    @invariant()
    def the_published_views_say_what_was_committed(self) -> None:
        expected = {
            session_id: (
                [without(body, "id", "metadata") for body in model.messages()],
                model.agent(),
                switches_of(model),
                len(model.switches()),
            )
            for session_id, model in self.committed.items()
        }
        for side in self.sides:
            if side.ask_views is not None:
                assert side.views() == expected


def check_state(side: Side, state: SessionState, model: Model) -> None:
    """The state says of everything what the list says."""
    life = state.present()
    history = side.ask(state, reading.history)
    messages = side.whole(history.entries)
    assert json.loads(shown_json(messages.shown())) == list(map(shown_form, model.messages()))
    assert [json.loads(sent(entry)) for entry in messages] == model.messages()
    assert len(messages) == history.message_count == len(model.messages())
    summary = settings.summary(state, MOMENT.at)
    assert (summary.version, summary.title) == (model.version, model.title())
    assert (history.current_agent, life.floor) == (model.agent(), model.floor)
    assert [
        (found.from_agent, found.to_agent, found.reason, found.timestamp)
        for found in history.agent_history
    ] == [tuple(one.values()) for one in switches_of(model)]
    found = side.ask(state, lambda state: record.read(state, limit=1_000)).records
    assert {one.key: (one.seq, one.decoded) for one in found} == {
        key: (seq, model.line(seq).body["value"]) for key, seq in model.records().items()
    }
    log = side.ask(state, lambda state: reading.log_page(state, Part(limit=1_000))).entries
    assert len(log) == life.version == model.version
    for seq, entry in enumerate(log, 1):
        line = model.line(seq)
        assert (entry.seq, entry.kind, entry.at) == (seq, line.kind, line.at)
        assert ("dropped" in json.loads(entry.body)) == (seq in model.dropped)


def switches_of(model: Model) -> list[dict[str, str]]:
    """The switches that count, as the guide shows them; `from` is who worked at that moment."""
    found = []
    for seq in model.counting("switch"):
        before = [n for n in model.counting("switch") if n < seq]
        agent = model.line(before[-1]).body["to"] if before else "orchestrator"
        line = model.line(seq)
        found.append(
            {
                "from": agent,
                "to": line.body["to"],
                "reason": line.body["reason"],
                "timestamp": line.at,
            }
        )
    return found


def in_files(folder: Path) -> list[Side]:
    """A database on disk of which all is in memory, and one of which little is, beside none."""
    path, tail = folder / f"{token_hex(8)}.db", folder / f"{token_hex(8)}.db"
    return [
        Side(MemoryStore()),
        Side(SQLiteStore.open(path), ask_views=partial(query, path)),
        Side(MemoryStore(), 0),
        Side(SQLiteStore.open(tail), 100, partial(query, tail)),
    ]


def on_a_server(url: str) -> list[Side]:
    """One on a server of which little is in memory, beside none."""
    return [
        Side(MemoryStore()),
        Side(PostgresStore.open(url), 150, partial(asked, url)),
    ]


def check(sides: Callable[[], list[Side]], times: int) -> None:
    """That all sides say what the list says, whatever is done."""
    run_state_machine_as_test(
        # Whatever makes one does.
        lambda: SessionsAndLists(sides()),  # type: ignore[arg-type]
        settings=hypothesis_settings(max_examples=times, stateful_step_count=25),
    )


def test_what_is_kept_in_files_is_what_a_list_says(tmp_path: Path) -> None:
    check(partial(in_files, tmp_path), examples(0.6))


def test_what_is_kept_on_a_server_is_what_a_list_says(grounds: Grounds) -> None:
    check(lambda: on_a_server(emptied(grounds.database)), examples(0.4))
