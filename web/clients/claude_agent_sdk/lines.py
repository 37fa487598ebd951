"""A transcript's line as an entry of the log, and an entry as a line.

Rules:

- A line of the user or the assistant that has a message is a message: what the SDK has in `message`
  is its body, member for member. The rest of the line is in the metadata, with the names of the
  message's members where that stood: so the order of all members comes back, which the log does
  not keep of a message's.
- Any other line (titles, tags, modes, what the system says) is a record.
- A line's `uuid` is its entry's key, so it is kept once, however often it is sent.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from web.clients.calls.shapes import NewEntry
from web.clients.claude_agent_sdk.names import NAME
from web.clients.shared.carrying import is_carried
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain

Line = dict[str, Any]

FRAMEWORK = Framework(NAME)

SPEAKERS = ("user", "assistant")

LONGEST_KEY = 200
"""Characters of a `uuid` that can be a key: the service takes 256 of a message's, and 512 bytes of
a record's, where our prefix stands before it."""


def entry_of(line: Line) -> NewEntry:
    """The entry of a line. It has a key."""
    key = _key(line)
    message = line.get("message")
    if line.get("type") not in SPEAKERS or not isinstance(message, dict) or not _has_role(message):
        return FRAMEWORK.record(line, name=key)
    if is_carried(message) and "metadata" not in message:
        return FRAMEWORK.message(message, {**line, "message": list(message)}, key=key)
    shown = {name: value for name, value in message.items() if name != "metadata"}
    return FRAMEWORK.message(shown, line, key=key)


def line_of(item: Item) -> Line | None:
    """The line that an item is, if it was one; of a message that others wrote, its translation."""
    if item.message is None:
        return item.envelope if isinstance(item.envelope, dict) else None
    if not isinstance(item.envelope, dict):
        return None
    names = item.envelope.get("message")
    if not isinstance(names, list):
        return item.envelope
    return {**item.envelope, "message": {name: item.message[name] for name in names}}


def translated(item: Item, session_id: str, previous: str | None) -> Line:
    """A message that another program wrote, as a line that follows on `previous`.

    The SDK has messages of two roles only. What others said is a note in the transcript, which the
    model does not get. `agent_runtime` says which entry it was, and what is not in the line.
    """
    assert item.message is not None
    said = plain(item.message)
    line: Line = {
        "parentUuid": previous,
        "isSidechain": False,
        "type": said.role if said.role in SPEAKERS else "system",
        # Always the same, so what answers it finds it when the transcript is read again.
        "uuid": str(uuid5(NAMESPACE_URL, f"agent-runtime:{session_id}/{item.seq}")),
        "timestamp": item.at,
    }
    if said.role in SPEAKERS:
        line["message"] = said.message
    else:
        line |= {"subtype": "informational", "level": "info", "content": said.text}
    return {
        **line,
        "agent_runtime": {"seq": item.seq, "role": said.role, "lossy": list(said.lossy)},
    }


def _key(line: Line) -> str:
    uuid = line.get("uuid")
    if isinstance(uuid, str) and 0 < len(uuid) <= LONGEST_KEY and "\0" not in uuid:
        return uuid if is_carried(uuid) else uuid4().hex
    # A random one where there is none: then the call can be sent again by who sends it.
    return uuid4().hex


def _has_role(message: Line) -> bool:
    role = message.get("role")
    return isinstance(role, str) and 0 < len(role) <= 64 and is_carried(role)
