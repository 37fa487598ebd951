"""What a client is told, as entries of the log, and entries as what it is told.

Rules:

- What was said is a message: a prompt, and the agent's text. Its content is the protocol's list of
  blocks, and `metadata.acp` says of which kind of update they are.
- A tool's call is a message with `tool_calls`, and its end one of the role `tool`, so contexts have
  both. The protocol has no names of tools: the call has that of its kind. The update itself is in
  `metadata.acp`.
- All else (thoughts, plans, modes, progress of a tool) is a record below `acp/`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acp.schema import SessionNotification
from attrs import define, field

from web.clients.calls.shapes import NewEntry
from web.clients.shared.carrying import cleaned, is_carried
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain

FRAMEWORK = Framework("acp")

Update = dict[str, Any]

TEXT = "agent_message_chunk"
THOUGHT = "agent_thought_chunk"
SAID = "user_message_chunk"

ROLES: Mapping[str, str] = {TEXT: "assistant", SAID: "user"}
"""Of the updates that are messages."""

SPEAKERS: Mapping[str, str] = {"user": SAID, "assistant": TEXT, "model": TEXT, "agent": TEXT}
"""What messages of other programs are told as, by their roles. What neither the user nor the agent
said (prompts of the system, results of tools) is a thought: editors show those, folded."""

ENDED = ("completed", "failed")


def notification_of(session_id: str, update: object, meta: Mapping[str, Any]) -> Update:
    """What the client gets, as JSON: without members that say nothing."""
    told = SessionNotification(session_id=session_id, update=update, field_meta=dict(meta) or None)
    dumped: Update = told.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
    )
    return dumped


def chunks_entry(
    kind: str, blocks: Sequence[Any], message_id: str | None = None, *, key: str | None = None
) -> NewEntry:
    """Blocks of one kind, told one after the other. With a key, they have one effect."""
    said: dict[str, Any] = {"chunk": kind}
    if message_id is not None:
        said["messageId"] = message_id
    if kind in ROLES:
        if not is_carried(blocks):
            said["blocks"] = blocks
        return FRAMEWORK.message({"role": ROLES[kind], "content": blocks}, said, key=key)
    return FRAMEWORK.record({**said, "blocks": blocks}, name=key)


@define
class Shape:
    """Which entry an update is. Remembers the tools' calls that have no result yet."""

    _open: set[str] = field(factory=set)
    _known: set[str] = field(factory=set)

    def entries(self, update: Update, meta: Mapping[str, Any]) -> list[NewEntry]:
        """The entries of an update that is kept by itself."""
        kept = {"update": update, **({"meta": dict(meta)} if meta else {})}
        kind = update["sessionUpdate"]
        if kind in ROLES:
            if update.keys() <= {"sessionUpdate", "content", "messageId"} and not meta:
                return [chunks_entry(kind, [update["content"]], update.get("messageId"))]
            return [FRAMEWORK.message({"role": ROLES[kind], "content": [update["content"]]}, kept)]
        call: str = update.get("toolCallId", "")
        has_ended = update.get("status") in ENDED
        if kind == "tool_call" and call not in self._known:
            self._known.add(call)
            asked = FRAMEWORK.message(_call(update), kept)
            if has_ended:
                # A context wants a result of each call; the client was told both at once.
                return [asked, FRAMEWORK.message(_result(update), {})]
            self._open.add(call)
            return [asked]
        if kind == "tool_call_update" and call in self._open and has_ended:
            self._open.remove(call)
            return [FRAMEWORK.message(_result(update), kept)]
        return [FRAMEWORK.record(kept)]


def told_again(item: Item) -> Iterator[Update]:
    """What the client was told by an entry: notifications, without the session.

    Of a message that another program wrote: its text. `_meta` says which entry it was, its role,
    and what of it is not told.
    """
    if item.envelope is None and item.message is not None:
        yield {"update": _translated(item)}
        return
    kept = item.envelope
    if not isinstance(kept, dict):
        return
    if "update" in kept:
        yield {"update": kept["update"], **({"_meta": kept["meta"]} if "meta" in kept else {})}
    elif "chunk" in kept:
        blocks = (
            kept["blocks"] if item.message is None or "blocks" in kept else item.message["content"]
        )
        more = {"messageId": kept["messageId"]} if "messageId" in kept else {}
        for block in blocks:
            yield {"update": {"sessionUpdate": kept["chunk"], "content": block, **more}}


def _translated(item: Item) -> Update:
    assert item.message is not None
    said = plain(item.message)
    seen = {"seq": item.seq, "role": said.role, "lossy": list(said.lossy)}
    return {
        "sessionUpdate": SPEAKERS.get(said.role, THOUGHT),
        "content": {"type": "text", "text": said.text},
        "_meta": {"agent_runtime": seen},
    }


def _call(update: Update) -> dict[str, Any]:
    arguments = update.get("rawInput", {"title": update["title"]})
    function = {
        "name": update.get("kind", "other"),
        "arguments": json.dumps(cleaned(arguments), ensure_ascii=False),
    }
    call = {"id": update["toolCallId"], "type": "function", "function": function}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def _result(update: Update) -> dict[str, Any]:
    contents = [part.get("content") for part in update.get("content", ())]
    texts = [one["text"] for one in contents if isinstance(one, dict) and "text" in one]
    text = "\n\n".join(texts)
    if not texts:
        text = json.dumps(update.get("rawOutput", update["status"]), ensure_ascii=False)
    return {"role": "tool", "tool_call_id": update["toolCallId"], "content": text}
