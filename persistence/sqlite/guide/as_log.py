"""Makes a session of the guide's own system one of ours: a log that begins with its settings.

Rules:

- A message is kept as it was sent, with all its members.
- Messages and switches become one log as `old_order` says.
- When it was created and last active is what the old rows say.
"""

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from persistence.sqlite.guide.ids import id_for
from persistence.sqlite.guide.old_order import forgotten, in_order, lacks_switch
from persistence.sqlite.guide.old_session import OldMessage, OldSession, OldSwitch
from runtime import (
    DEFAULT_AGENT,
    KINDS,
    MESSAGE,
    SETTINGS,
    SWITCH,
    Delta,
    InvalidInput,
    Life,
    New,
    encode,
    from_json,
)

ADDED = "The former system says that this agent works on the session, and not since when"
"""The reason of a switch that is added."""


@frozen
class Converted:
    """What became of a session."""

    delta: Delta
    extra: int
    """Entries that are neither a message nor a switch of the old rows."""
    added_switches: int


def log_of(old: OldSession, is_taken: Callable[[str], bool]) -> Converted:
    """The delta that begins this session's only life.

    `is_taken` tells of other sessions' ids; one that it says is free it has given away with that.
    """
    session_id = id_for(old.session_id, old.is_mended, is_taken)
    life = Life.begin(KINDS, old.created_at)
    switches = [*old.switches, *_missing_switch(old)]
    added = len(switches) - len(old.switches)
    settings = _settings(old, switches, renamed=session_id != old.session_id)
    if settings:
        life.append(New(SETTINGS, None, encode(settings, "settings")), old.created_at)
    for item in in_order(old.messages, switches, lambda item: item.at):
        new = _switch(item) if isinstance(item, OldSwitch) else _message(item, life)
        life.append(new, item.at)
    life.last_activity = old.last_activity
    if old.deleted_at is not None:
        life.end = ("trash", old.deleted_at)
    extra = added + bool(settings)
    return Converted(Delta(session_id=session_id, mark=1, steps=(life.change(),)), extra, added)


def _missing_switch(old: OldSession) -> Iterator[OldSwitch]:
    last = old.switches[-1] if old.switches else None
    if last is not None and lacks_switch(last.to_agent, old.agent):
        yield OldSwitch(last.to_agent, old.agent, ADDED, old.last_switch_at or last.at)


def _settings(old: OldSession, switches: list[OldSwitch], *, renamed: bool) -> dict[str, Any]:
    """What is not in the messages and switches; empty if it goes without saying."""
    body: dict[str, Any] = {}
    agent = (switches[0].from_agent or DEFAULT_AGENT) if switches else old.agent
    if agent != DEFAULT_AGENT:
        body["agent"] = agent
    if old.title is not None:
        body["title"] = old.title
    if old.is_archived:
        body["archived"] = True
    metadata = dict(old.metadata)
    if renamed:
        metadata.setdefault("original_session_id", old.session_id)
    if metadata:
        body["metadata"] = metadata
    body |= forgotten(old.switch_count, len(switches), old.last_switch_at)
    if not (body or old.messages or switches):
        body["agent"] = agent  # what lives has an entry, as it has when it is created empty
    return body


def _switch(old: OldSwitch) -> New:
    body = {"from": old.from_agent, "to": old.to_agent, "reason": old.reason}
    return New(SWITCH, None, encode(body, "switch"))


def _message(old: OldMessage, life: Life) -> New:
    try:
        new = from_json(old.said)
    except InvalidInput:  # an id or a role that nobody may send today
        return _with_all_members(old)
    if new.key is not None and life.seq_of(MESSAGE, new.key) is not None:
        return _with_all_members(old)  # that system let an id be used twice
    return new


def _with_all_members(old: OldMessage) -> New:
    """The same without a key: its `id`, whatever that is, stays a member like others."""
    rest = {name: value for name, value in old.said.items() if name != "metadata"}
    first = {name: rest[name] for name in ("role", "content") if name in rest}
    metadata = None
    if "metadata" in old.said:
        metadata = encode(old.said["metadata"], "metadata")
    return New(MESSAGE, None, encode(first | rest, "message"), metadata)
