"""The kind `switch`: another agent works on the session from here on.

Its body is `{from, to, reason}`. The current agent is the last one that was switched to, or the one
that the session began with.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from attrs import define, field
from msgspec import Struct

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.bodies.encoding import encode
from runtime.session.kind import Fold, Kind, New, arrived_as
from runtime.session.life import Life
from runtime.session.replies import AgentContext, AgentSwitch
from runtime.session.rules import check_agent, check_key, check_reason
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry

SWITCH = "switch"

MAX_SHOWN_SWITCHES = 1_000
"""Switches that an answer shows, the newest. Every history carries them, so what they take must not
grow with the session: at the longest reasons these are 4 MiB. It is as many as a page of anything
has at the most, and all of a conversation's unless its agents hand over by a loop. The log has them
all, `GET …/log?kind=switch`, and `switch_count` says how many there are."""


@define
class Switches(Fold):
    """The switches that count: how many, the newest of them, and what the last one says."""

    count: int = 0
    _seqs: list[int] = field(factory=list)
    """The numbers of the newest, and of some before them. (No deque: an empty one takes a tenth of
    what a short session does.)"""
    _last: AgentSwitch | None = None
    """`None`: there is none, or it was not in memory."""

    def add(self, entry: Entry) -> None:
        self.count += 1
        self._seqs.append(entry.seq)
        if len(self._seqs) >= 2 * MAX_SHOWN_SWITCHES:
            del self._seqs[:-MAX_SHOWN_SWITCHES]
        self._last = _said(entry) if entry.body else None

    def lacks(self) -> Collection[int]:
        return self._seqs[-1:] if self._last is None else ()

    def copy(self) -> "Switches":
        return Switches(self.count, self._seqs.copy(), self._last)

    @property
    def shown(self) -> list[int]:
        """The numbers of the newest. What they say is looked up when somebody asks."""
        return self._seqs[-MAX_SHOWN_SWITCHES:]

    def describe(self, header: dict[str, Any]) -> None:
        if self._last is not None:
            header["current_agent"] = self._last.to_agent
            header["switch_count"] = header.get("switch_count", 0) + self.count
            header["last_switch_at"] = self._last.timestamp

    def view(self) -> Any:
        return {"count": self.count, "shown": self.shown}


def _said(entry: Entry) -> AgentSwitch:
    body = msgspec.json.decode(entry.body)
    return AgentSwitch(
        from_agent=body["from"], to_agent=body["to"], reason=body["reason"], timestamp=entry.at
    )


def shown_switches(life: Life) -> tuple[AgentSwitch, ...]:
    """The newest of the switches that count, as answers show them. Raises `Needs`."""
    fold = life.folds[SWITCH]
    assert isinstance(fold, Switches)
    shown = fold.shown
    if not shown:
        return ()
    life.log.need(shown)
    return tuple(_said(life.log.mark(seq)) for seq in shown)


class SwitchKind(Kind):
    """Changes of the agent."""

    name = SWITCH
    redactable = (("reason",),)
    fold = Switches
    folds_bodies = False

    def propose(self, life: Life, key: str | None, body: Any) -> New:
        """`from` is filled in."""
        if not isinstance(body, dict) or body.keys() - {"from", "to", "reason"}:
            raise InvalidInput("switch: the body must be an object with `to` and `reason`")
        if key is not None:
            check_key(key, "key")
        to = check_agent(body.get("to"), "switch: to")
        reason = check_reason(body.get("reason", ""))
        agent = life.current_agent
        return New(SWITCH, key, encode({"from": agent, "to": to, "reason": reason}, "switch"))

    def arrived(self, key: str | None, text: bytes) -> New:
        return arrived_as(SWITCH, key, text, _Kept)

    def is_repeat(self, life: Life, entry: Entry, body: Any) -> bool:
        """`from` was filled in then, and would be another one now."""
        known = msgspec.json.decode(entry.body)
        asked = msgspec.json.decode(self.propose(life, entry.key, body).body)
        return bool((known["to"], known["reason"]) == (asked["to"], asked["reason"]))


class _Kept(Struct, forbid_unknown_fields=True, rename={"from_agent": "from"}):
    """Any names: a system that was taken over had other rules."""

    from_agent: str
    to: str
    reason: str


def switch_agent(
    state: SessionState,
    agent: str,
    *,
    reason: str,
    at: str,
    key: str | None = None,
    condition: Condition = ANY,
) -> AgentContext:
    """Makes `agent` the current one, unless it is. `key` is the call's id.

    Raises `SessionNotFound`, `InvalidInput`, `KeyConflict`, `PreconditionFailed`, `Needs`.
    """
    life = state.present()
    shown_switches(life)  # what the answer lacks is asked for before anything changes
    new = life.kinds[SWITCH].propose(life, key, {"to": agent, "reason": reason})
    seq = None if key is None else life.seq_of(SWITCH, key)
    if seq is not None:
        wanted = {"to": agent, "reason": reason}
        if not life.kinds[SWITCH].is_repeat(life, life.entry(seq), wanted):
            raise KeyConflict(SWITCH, key or "", seq)
        return agent_context(state)
    # With an id it is written all the same: the call has had its one effect, whoever comes after.
    if agent != life.current_agent or key is not None:
        state.check(condition)
        state.write([new], at)
    return agent_context(state)


def agent_context(state: SessionState) -> AgentContext:
    """The current agent and its predecessors. Raises `SessionNotFound`."""
    life = state.present()
    header, settings = life.header(), life.settings()
    return AgentContext(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        current_agent=header.current_agent,
        agent_history=shown_switches(life),
        switch_count=header.switch_count,
        last_switch_at=header.last_switch_at,
        metadata=msgspec.json.decode(settings.metadata),
    )
