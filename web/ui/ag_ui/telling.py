"""A run of AG-UI, as its events tell it: what there is, then what comes, to its end.

Rules:

- A run begins with a snapshot of the messages: what a client had of a draft goes then, as it is no
  message yet, and the draft is told from its beginning. So nothing is there twice.
- What a draft has shown is not said again when its message comes, only what was lacking. Where the
  message says something else, or a draft was begun anew, there is another snapshot.
- Whatever was started is ended before the run is.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import define, field

from web.ui.ag_ui.messages import Lossy, Message, messages_of, reasoning_id
from web.ui.ag_ui.sent import NAME
from web.ui.growing import Grown, Shown
from web.ui.kept import Kept, speaker_of

Event = dict[str, Any]


@define(eq=False)
class Telling:
    """One run. Each method says what it tells next."""

    thread: str
    run: str
    needs_snapshot: bool = field(default=False, init=False)
    """Whether what was told holds no more: then `snapshot` is to be called."""
    is_over: bool = field(default=False, init=False)
    _shown: dict[str, dict[str, Shown | None]] = field(factory=dict, init=False)
    """Of each draft, its parts by their names."""

    def begin(self, messages: Iterable[Message], state: Any) -> Iterator[Event]:
        """What there is. `state`: `None`, there is none."""
        yield {"type": "RUN_STARTED", "threadId": self.thread, "runId": self.run}
        if state is not None:
            yield self.state(state)
        yield from self.snapshot(messages)

    def state(self, state: Any) -> Event:
        """The state that agent and interface share."""
        return {"type": "STATE_SNAPSHOT", "snapshot": state}

    def snapshot(self, messages: Iterable[Message]) -> Iterator[Event]:
        """All messages, in the place of what was told of them. Drafts have to be told anew."""
        yield from self._close()
        self.needs_snapshot = False
        yield {"type": "MESSAGES_SNAPSHOT", "messages": list(messages)}

    def message(self, kept: Kept) -> Iterator[Event]:
        """A message has come."""
        shown = self._shown.pop(kept.id, None)
        lossy: list[Lossy] = []
        messages = list(messages_of(kept, lossy))
        if not all(map(_is_told, messages)):
            yield from _ends(kept.id, shown or {})
            self.needs_snapshot = True
            return
        for message in messages:
            yield from self._whole(kept.id, message, shown or {})
        if shown:
            left = {name: one for name, one in shown.items() if one is not None and one.is_open}
            yield from _ends(kept.id, left)
        for lost in lossy:
            yield from self.aside("lossy", {"seq": lost.seq, "members": lost.members})

    def grown(self, grown: Grown) -> Iterator[Event]:
        """A draft has grown."""
        if speaker_of(grown.role) != "assistant":
            return
        shown = self._shown.get(grown.id)
        if shown is not None and grown.offset == 0 and any(shown.values()):
            yield from self.dropped(grown.id)
            shown = None
        if shown is None:
            shown = self._shown[grown.id] = {}
        if grown.part is None or not grown.text:
            return
        if grown.part not in shown:
            part = shown[grown.part] = Shown.of(grown.id, grown.part)
            if part is not None and not _begun(part.kind, shown, part):
                yield from _starts(grown.id, part)
        part = shown[grown.part]
        if part is not None:
            part.add(grown.text)
            yield _delta(grown.id, part, grown.text)

    def dropped(self, message_id: str) -> Iterator[Event]:
        """A draft is no more; if its message has come, that was told before."""
        shown = self._shown.pop(message_id, None)
        if shown is not None:
            yield from _ends(message_id, shown)
            self.needs_snapshot = True

    def changed(self) -> Iterator[Event]:
        """What was told holds no more: the log was rewound, or is another one."""
        self.needs_snapshot = True
        yield from ()

    def aside(self, name: str, data: dict[str, Any]) -> Iterator[Event]:
        """What AG-UI has no word for."""
        yield {"type": "CUSTOM", "name": f"{NAME}/{name}", "value": data}

    def end(self) -> Iterator[Event]:
        """The run is finished."""
        yield from self._close()
        yield {"type": "RUN_FINISHED", "threadId": self.thread, "runId": self.run}
        self.is_over = True

    def abort(self, reason: str) -> Iterator[Event]:
        """The run is not finished, and nothing more is told of it."""
        yield from self._close()
        yield from self.error(reason)

    def error(self, text: str) -> Iterator[Event]:
        """The events are cut off: the client connects again."""
        yield {"type": "RUN_ERROR", "message": text}
        self.is_over = True

    # -- inside ------------------------------------------------------------------------------

    def _close(self) -> Iterator[Event]:
        for message_id, shown in self._shown.items():
            yield from _ends(message_id, shown)
        self._shown.clear()

    def _whole(
        self, message_id: str, message: Message, shown: dict[str, Shown | None]
    ) -> Iterator[Event]:
        """What of a message was not shown."""
        if message["role"] == "tool":
            found = {"messageId": message["id"], "toolCallId": message["toolCallId"]}
            content = message["content"]
            yield {"type": "TOOL_CALL_RESULT", "role": "tool", **found, "content": content}
            return
        kind = "reasoning" if message["role"] == "reasoning" else "text"
        parts = [one for one in shown.values() if one is not None and one.kind == kind]
        rest = _rest(parts, message["content"] or "")
        if rest is None:
            self.needs_snapshot = True
            return
        as_part = Shown(message["id"], kind)  # type: ignore[arg-type]
        calls = message.get("toolCalls") or []
        if not parts and (rest or not calls):
            yield from _starts(message_id, as_part, message["role"])
        if rest:
            yield _delta(message_id, as_part, rest)
        if parts or rest or not calls:
            yield from _stops(message_id, as_part)
        for part in parts:
            part.is_open = False
        for call in calls:
            yield from self._call(message_id, call, shown)

    def _call(
        self, message_id: str, call: dict[str, Any], shown: dict[str, Shown | None]
    ) -> Iterator[Event]:
        given = call["function"]["arguments"]
        name = call["function"]["name"]
        part = next(
            (one for one in shown.values() if one is not None and one.id == call["id"]), None
        )
        if part is None:
            part = Shown(call["id"], "tool", name)
            yield from _starts(message_id, part)
        rest = part.rest_of(given)
        if rest is None:
            self.needs_snapshot = True
        if rest:
            yield _delta(message_id, part, rest)
        part.is_open = False
        yield from _stops(message_id, part)


def _is_told(message: Message) -> bool:
    """Whether events tell it; else only a snapshot does."""
    return message["role"] == "tool" or isinstance(message.get("content") or "", str)


def _begun(kind: str, shown: dict[str, Shown | None], part: Shown) -> bool:
    """Whether its message has begun: AG-UI has one text a message."""
    others = [one for one in shown.values() if one is not None and one is not part]
    return kind != "tool" and any(one.kind == kind for one in others)


def _rest(parts: list[Shown], text: str) -> str | None:
    """What of the text none of the parts has shown; `None`: they have shown something else."""
    if not parts:
        return text
    place = 0
    for part in parts:
        if part.rest_of(text[place : place + part.length]) is None:
            return None
        place += part.length
    return text[place:]


def _starts(message_id: str, part: Shown, role: str = "assistant") -> Iterator[Event]:
    if part.kind == "tool":
        call = {"toolCallId": part.id, "toolCallName": part.tool or "tool"}
        yield {"type": "TOOL_CALL_START", **call, "parentMessageId": message_id}
    elif part.kind == "text":
        yield {"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": role}
    else:
        thought = reasoning_id(message_id)
        yield {"type": "REASONING_START", "messageId": thought}
        yield {"type": "REASONING_MESSAGE_START", "messageId": thought, "role": "reasoning"}


def _delta(message_id: str, part: Shown, text: str) -> Event:
    if part.kind == "tool":
        return {"type": "TOOL_CALL_ARGS", "toolCallId": part.id, "delta": text}
    if part.kind == "text":
        return {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": text}
    thought = reasoning_id(message_id)
    return {"type": "REASONING_MESSAGE_CONTENT", "messageId": thought, "delta": text}


def _stops(message_id: str, part: Shown) -> Iterator[Event]:
    if part.kind == "tool":
        yield {"type": "TOOL_CALL_END", "toolCallId": part.id}
    elif part.kind == "text":
        yield {"type": "TEXT_MESSAGE_END", "messageId": message_id}
    else:
        yield {"type": "REASONING_MESSAGE_END", "messageId": reasoning_id(message_id)}
        yield {"type": "REASONING_END", "messageId": reasoning_id(message_id)}


def _ends(message_id: str, shown: Mapping[str, Shown | None]) -> Iterator[Event]:
    """Ends what of a draft is open: a text and a reasoning once, and each call."""
    ended: set[str] = set()
    for part in shown.values():
        if part is not None and part.is_open:
            name = part.id if part.kind == "tool" else part.kind
            if name not in ended:
                ended.add(name)
                yield from _stops(message_id, part)
