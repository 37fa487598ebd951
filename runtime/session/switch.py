"""The kind `switch`: another agent works on the session from here on.

Its body is `{from, to, reason}`. The current agent is the last one that was switched to, or the one
that the session began with.
"""

from typing import Any

import msgspec
from attrs import define, field

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.encoding import encode
from runtime.session.kind import Fold, Kind, New
from runtime.session.life import Life
from runtime.session.replies import AgentContext, AgentSwitch
from runtime.session.rules import check_agent, check_key, check_reason
from runtime.session.state import ANY, Condition, SessionState
from runtime.store import Entry

SWITCH = "switch"


@define
class Switches(Fold):
    """The switches that count."""

    history: list[AgentSwitch] = field(factory=list)

    def add(self, entry: Entry) -> None:
        body = msgspec.json.decode(entry.body)
        self.history.append(
            AgentSwitch(
                from_agent=body["from"],
                to_agent=body["to"],
                reason=body["reason"],
                timestamp=entry.at,
            )
        )

    def describe(self, header: dict[str, Any]) -> None:
        if self.history:
            header["current_agent"] = self.history[-1].to_agent
            header["switch_count"] = header.get("switch_count", 0) + len(self.history)
            header["last_switch_at"] = self.history[-1].timestamp

    def view(self) -> Any:
        return [
            {"from": s.from_agent, "to": s.to_agent, "reason": s.reason, "timestamp": s.timestamp}
            for s in self.history
        ]


class SwitchKind(Kind):
    """Changes of the agent."""

    name = SWITCH
    fold = Switches

    def propose(self, life: Life, key: str | None, body: Any) -> New:
        """`from` is filled in."""
        if not isinstance(body, dict) or body.keys() - {"from", "to", "reason"}:
            raise InvalidInput("switch: the body must be an object with `to` and `reason`")
        if key is not None:
            check_key(key, "key")
        to = check_agent(body.get("to"), "switch: to")
        reason = check_reason(body.get("reason", ""))
        agent = life.header().current_agent
        return New(SWITCH, key, encode({"from": agent, "to": to, "reason": reason}, "switch"))

    def is_repeat(self, life: Life, entry: Entry, body: Any) -> bool:
        """`from` was filled in then, and would be another one now."""
        known = msgspec.json.decode(entry.body)
        asked = msgspec.json.decode(self.propose(life, entry.key, body).body)
        return bool((known["to"], known["reason"]) == (asked["to"], asked["reason"]))


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
    new = life.kinds[SWITCH].propose(life, key, {"to": agent, "reason": reason})
    seq = None if key is None else life.seq_of(SWITCH, key)
    if seq is not None:
        wanted = {"to": agent, "reason": reason}
        if not life.kinds[SWITCH].is_repeat(life, life.entry(seq), wanted):
            raise KeyConflict(SWITCH, key or "", seq)
        return agent_context(state)
    # With an id it is written all the same: the call has had its one effect, whoever comes after.
    if agent != life.header().current_agent or key is not None:
        state.check(condition)
        state.write([new], at)
    return agent_context(state)


def agent_context(state: SessionState) -> AgentContext:
    """The current agent and its predecessors. Raises `SessionNotFound`."""
    life = state.present()
    header, settings = life.header(), life.settings()
    fold = life.folds[SWITCH]
    assert isinstance(fold, Switches)
    return AgentContext(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        current_agent=header.current_agent,
        agent_history=tuple(fold.history),
        switch_count=header.switch_count,
        last_switch_at=header.last_switch_at,
        metadata=msgspec.json.decode(settings.metadata),
    )
