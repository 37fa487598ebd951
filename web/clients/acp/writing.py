"""Texts that come in pieces, a word or two at a time.

An entry for each would make a log of words. So pieces of one text are a draft, which everybody sees
grow, and which a crash of the agent leaves behind; once something else is told, the whole text is
one entry in the draft's place. A piece is told when the draft has it.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from attrs import define, field

from web.clients.acp.entries import FRAMEWORK, SAID, TEXT, THOUGHT, Update, chunks_entry
from web.clients.calls.histories import DraftView
from web.clients.client import AgentRuntimeClient
from web.clients.errors import AgentRuntimeError, Conflict
from web.clients.shared.carrying import is_carried

PARTS = {
    TEXT: ("assistant", "content"),
    SAID: ("user", "content"),
    THOUGHT: ("assistant", "reasoning"),
}
"""The role of the draft, and the part of it that grows."""

PREFIX = "acp-"
"""Begins the ids of our drafts: those of others are not ours to end."""

LONGEST = 2**20
"""Characters of one entry: a quarter of what a draft may have."""

AT_ONCE = 2**16
"""Characters of one call."""


@define(eq=False)
class Text:
    """A text that is being told."""

    session_id: str
    kind: str
    message_id: str | None
    id: str = field(factory=lambda: f"{PREFIX}{uuid4().hex}")
    text: str = ""
    _sent: int = 0

    @classmethod
    def of(cls, session_id: str, update: Update) -> "Text":
        """The text that begins with an update."""
        return cls(session_id, update["sessionUpdate"], update.get("messageId"))

    def takes(self, update: Update) -> bool:
        """Whether an update's text goes on with this one."""
        fits = (update["sessionUpdate"], update.get("messageId")) == (self.kind, self.message_id)
        return fits and len(self.text) + len(update["content"]["text"]) <= LONGEST

    def add(self, client: AgentRuntimeClient, piece: str) -> None:
        """Adds a piece to the draft. What raises has added nothing to the text.

        Raises `Conflict`: the draft is not what it was left as; somebody else has ended it.
        """
        before = self.text
        self.text += piece
        try:
            self._send(client)
        except AgentRuntimeError:
            # The draft may have it, if an answer got lost. The entry takes the draft's place.
            self.text = before
            raise

    def _send(self, client: AgentRuntimeClient) -> None:
        role, part = PARTS[self.kind]
        while self._sent < len(self.text):
            more = self.text[self._sent : self._sent + AT_ONCE]
            try:
                drafted = client.append_draft(
                    self.session_id, self.id, more, role=role, part=part, offset=self._sent
                )
                self._sent = drafted["offset"]
            except Conflict as refusal:
                # A service that was killed has the draft as of a moment before: it gets the rest.
                has = refusal.problem.get("offset")
                if not isinstance(has, int) or has == self._sent or has > len(self.text):
                    raise
                self._sent = has

    def end(self, client: AgentRuntimeClient) -> None:
        """Puts the entry in the draft's place."""
        blocks = [{"type": "text", "text": self.text}]
        entry = chunks_entry(self.kind, blocks, self.message_id, key=self.id)
        try:
            client.append_entries(self.session_id, [entry], once=True)
        except Conflict:
            return  # another agent took it for abandoned, and has ended it as it stands here
        if entry["kind"] == "record":
            client.drop_draft(self.session_id, self.id)


def text_in(update: Update, meta: object) -> str | None:
    """The text of a piece; `None`: there is more in the update than a text."""
    if update["sessionUpdate"] not in PARTS or meta:
        return None
    if not update.keys() <= {"sessionUpdate", "content", "messageId"}:
        return None
    block: Any = update["content"]
    if block.keys() != {"type", "text"} or block["type"] != "text":
        return None
    text: str = block["text"]
    return text if len(text) <= LONGEST and is_carried(text) else None


def left_behind(session_id: str, draft: DraftView) -> Iterator[Text]:
    """The text of a draft that an agent left, if it was one of this kind."""
    if not draft["message_id"].startswith(PREFIX):
        return
    for kind, (role, part) in PARTS.items():
        if draft["role"] == role and (text := draft["parts"].get(part)):
            yield Text(session_id, kind, None, id=draft["message_id"], text=text)


def key_of(text: Text) -> str:
    """Of its entry, once there is one."""
    return f"{FRAMEWORK.prefix}{text.id}" if text.kind == THOUGHT else text.id
