"""What can be asked of a session, and what it then answers.

Each call says what it does to a state, and which answer follows from that: a status, and facts. A
client may have seen fewer facts, never others. 200 stands for any success, except that an append
whose messages were all known is told apart by the fact `fresh`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from attrs import frozen

from tests.faults.histories.model import (
    AGENT,
    MESSAGE,
    RECORD,
    REWIND,
    SETTINGS,
    SWITCH,
    Entry,
    State,
)

OK, ABSENT, CONFLICT, STALE, INVALID = 200, 404, 409, 412, 400

Facts = Mapping[str, Any]

NOTHING: Facts = MappingProxyType({})


class Outcome(NamedTuple):
    """What a call does, and answers."""

    state: State
    status: int
    facts: Facts = NOTHING
    or_else: int = 0
    """Another status that is as right; 0: there is none."""


class Call(Protocol):
    """Something that is asked of a session."""

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that this call alone writes; where one is seen, the call had its effect."""

    def run(self, state: State) -> Outcome:
        """What it does to this state. A refused one does nothing."""


@frozen(kw_only=True)
class Create:
    """`POST /sessions`."""

    title: str

    @property
    def marks(self) -> tuple[str, ...]:
        return (self.title,)

    def run(self, state: State) -> Outcome:
        if state.life is not None:
            return Outcome(state, CONFLICT)
        after = state.appended(Entry(SETTINGS, None, self.title))
        return Outcome(after, OK, {"title": self.title, "version": 1, "agent": AGENT})


@frozen(kw_only=True)
class Append:
    """`POST …/messages`: the ids, which may be missing, and the contents."""

    messages: tuple[tuple[str | None, str], ...]
    if_match: str | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(content for _, content in self.messages)

    def run(self, state: State) -> Outcome:
        seqs: list[int] = []
        fresh: list[Entry] = []
        for key, content in self.messages:
            known = state.life.message(key) if state.life and key else None
            if known is not None and known[1].value != content:
                return Outcome(state, CONFLICT)
            if known is None:
                fresh.append(Entry(MESSAGE, key, content))
            seqs.append(state.version + len(fresh) if known is None else known[0])
        if fresh and self.if_match is not None and not state.bears(self.if_match):
            return Outcome(state, STALE)
        after = state.appended(*fresh)
        assert after.life is not None
        count = len(after.life.messages())
        return Outcome(after, OK, {"seqs": tuple(seqs), "count": count, "fresh": bool(fresh)})


@frozen(kw_only=True)
class Resend:
    """`POST …/log`: goes back, and says something else, in one step."""

    to: int
    content: str

    @property
    def marks(self) -> tuple[str, ...]:
        return (self.content,)

    def run(self, state: State) -> Outcome:
        if self.to > state.version:
            return Outcome(state, INVALID)
        back, message = Entry(REWIND, None, str(self.to)), Entry(MESSAGE, None, self.content)
        after = state.appended(back, message)
        return Outcome(after, OK, {"seqs": (after.version - 1, after.version)})


@frozen(kw_only=True)
class Delete:
    """`DELETE /sessions/{id}`."""

    purge: bool = False
    if_match: str | None = None
    marks: tuple[str, ...] = ()

    def run(self, state: State) -> Outcome:
        if state.life is None:
            return Outcome(state, ABSENT)
        if self.if_match is not None and not state.bears(self.if_match):
            return Outcome(state, STALE)
        return Outcome(state.deleted(purge=self.purge), OK)


@frozen(kw_only=True)
class Undelete:
    """`POST …/undelete`."""

    marks: tuple[str, ...] = ()

    def run(self, state: State) -> Outcome:
        if state.life is not None:
            # With nothing in the trash, both are true, and which is said first is nobody's concern.
            return Outcome(state, CONFLICT, or_else=0 if state.trash else ABSENT)
        if not state.trash:
            return Outcome(state, ABSENT)
        return Outcome(state.undeleted(), OK)


@frozen(kw_only=True)
class Switch:
    """`POST /agents/{id}/switch`."""

    agent: str

    @property
    def marks(self) -> tuple[str, ...]:
        return (self.agent,)

    def run(self, state: State) -> Outcome:
        if state.life is None:
            return Outcome(state, ABSENT)
        if state.life.agent != self.agent:
            state = state.appended(Entry(SWITCH, None, self.agent))
        return Outcome(state, OK, {"agent": self.agent})


@frozen(kw_only=True)
class Rename:
    """`PATCH /sessions/{id}`."""

    title: str
    if_match: str | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        return (self.title,)

    def run(self, state: State) -> Outcome:
        if state.life is None:
            return Outcome(state, ABSENT)
        if self.if_match is not None and not state.bears(self.if_match):
            return Outcome(state, STALE)
        if state.life.title != self.title:
            state = state.appended(Entry(SETTINGS, None, self.title))
        return Outcome(state, OK, {"title": self.title, "version": state.version})


@frozen(kw_only=True)
class Rewind:
    """`POST …/rewind`."""

    to: int
    marks: tuple[str, ...] = ()

    def run(self, state: State) -> Outcome:
        if state.life is None:
            return Outcome(state, ABSENT)
        if self.to > state.version:
            return Outcome(state, INVALID)
        after = state.appended(Entry(REWIND, None, str(self.to)))
        assert after.life is not None
        return Outcome(after, OK, {"version": after.version, "count": len(after.life.messages())})


@frozen(kw_only=True)
class Put:
    """`POST …/records`: one value, and perhaps which entry the record is expected to be."""

    key: str
    value: str
    expect: int | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        return (self.value,)

    def run(self, state: State) -> Outcome:
        present, value = (state.life.records() if state.life else {}).get(self.key, (0, None))
        if self.expect not in (None, present):
            if value == self.value:  # all is as it was asked for
                return Outcome(state, OK, {"applied": 0})
            return Outcome(state, STALE)
        after = state.appended(Entry(RECORD, self.key, self.value))
        return Outcome(after, OK, {"seqs": (after.version,), "applied": 1})


@frozen(kw_only=True)
class Read:
    """Any of the reads: the facts that an answer shows say which."""

    what: str = "header"
    marks: tuple[str, ...] = ()

    def run(self, state: State) -> Outcome:
        life = state.life
        if life is None:
            return Outcome(state, ABSENT)
        messages = life.messages()
        facts: dict[str, Any] = {
            "version": life.version,
            "title": life.title,
            "agent": life.agent,
            "count": len(messages),
        }
        if self.what == "history":
            facts["contents"] = tuple(entry.value for _, entry in messages)
        elif self.what == "messages":
            facts["messages"] = tuple((seq, e.key, e.value) for seq, e in messages)
        elif self.what == "log":
            facts["log"] = tuple((seq, e.kind, e.key, e.value) for seq, e in life.log())
        elif self.what == "records":
            facts["records"] = tuple(
                (seq, key, value) for key, (seq, value) in sorted(life.records().items())
            )
        return Outcome(state, OK, facts)


@frozen(kw_only=True)
class Glimpse:
    """A read while the store fails: it says itself that only so much of it is on disk.

    The rest a crash may take, and nobody is told otherwise. What is on disk stays.
    """

    durable: int
    shown: tuple[tuple[int, str | None, str], ...] = ()
    """The messages among it."""
    marks: tuple[str, ...] = ()

    def run(self, state: State) -> Outcome:
        if state.life is None:
            return Outcome(state, ABSENT)
        there = {(seq, entry.key, entry.value) for seq, entry in state.life.log()}
        stands = state.version >= self.durable and set(self.shown) <= there
        return Outcome(state, OK, {"stands": stands})
