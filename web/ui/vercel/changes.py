"""What of a chat that a client sends is new, and where it goes.

`useChat` sends the whole chat each time, as it has it. Rules:

- A UI message has one effect: whose id is known is not appended again.
- The last message of the log may be sent again with other parts: a client has added what came of a
  tool, or an approval. Then it takes its own place: the log is rewound to before it.
- Who names a message to begin at (an edit) goes back to before that one. Who asks for another
  answer (`regenerate-message`) goes back to behind the last message that is sent.
- What is sent before a message that is known is taken for known.
- Any other message that is known stays as it is, whatever a client has of it: it may be half of an
  answer. It is named.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from attrs import frozen

from web.ui.vercel.messages import Chat


@frozen(kw_only=True)
class Changes:
    """What is to be done."""

    to: int | None
    """The version to go back to first; `None`: to none."""
    new: Sequence[dict[str, Any]]
    """UI messages to append, in order."""
    kept: Sequence[str]
    """Ids of those that are known with other parts, and stay as they are."""


REGENERATE = "regenerate-message"
"""What `useChat` calls it when it wants another answer."""


def changes(
    chat: Chat, sent: Sequence[dict[str, Any]], at: str | None = None, trigger: str | None = None
) -> Changes:
    """What these UI messages change. `at`: the id of the message to begin at."""
    known = {shown.id: shown for shown in chat.shown}
    if at is None and trigger == REGENERATE and sent:
        ids = [shown.id for shown in chat.shown]
        behind = [after for one, after in pairwise(ids) if one == sent[-1]["id"]]
        at = behind[-1] if behind else None
    start = known.get(at) if at is not None else None
    to = None if start is None else start.first - 1
    if start is not None:
        known = {name: shown for name, shown in known.items() if shown.first < start.first}
    last = chat.shown[-1] if chat.shown else None
    new: list[dict[str, Any]] = []
    kept: list[str] = []
    # Of a long session only the newest messages were looked at: what is before them is known, too.
    begin = next((place for place, message in enumerate(sent) if message["id"] in known), 0)
    for message in sent[begin:]:
        found = known.get(message["id"])
        if found is None:
            new.append(message)
        elif not _is_same(found.message, message):
            is_last = found is last and message is sent[-1] and not new
            if is_last and message["role"] == "assistant":
                to = found.first - 1
                new.append(message)
            else:
                kept.append(found.id)
    return Changes(to=to, new=new, kept=kept)


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["role"] == other["role"] and _bare(one["parts"]) == _bare(other["parts"])


def _bare(parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what a client has written down of how it came: it is no other message for that."""
    states = {"text", "reasoning"}
    return [
        {
            name: value
            for name, value in part.items()
            if not (part["type"] in states and (name == "state" or name == "id"))
        }
        for part in parts
        if part["type"] != "step-start"
    ]
