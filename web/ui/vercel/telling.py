"""An answer as the AI SDK's stream tells it: from its beginning, while it is written, to its end.

Rules:

- The stream is a replay: it begins with the answer's first part, so a client that had some of it
  has nothing twice. `start` names the UI message, by the id that `Chat` gives it as well.
- What a draft has shown is not said again when its message comes, only what was lacking. Where the
  message says something else, it is told beside it: better twice than never.
- What is open ends with its step, as the client forgets it then. So a draft that goes on when
  something else has come in between goes on in a part of its own.
- The protocol can take nothing back. Where that is needed (a draft is dropped, the session is
  rewound) the stream ends with `abort`, and who resumes it is told what there is now.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import define, field

from web.ui.growing import Grown, Shown
from web.ui.kept import Kept, speaker_of
from web.ui.pieces import Came
from web.ui.vercel.chunks import Chunk, chunks_of, result_chunks
from web.ui.vercel.messages import STEP, Part, is_ui_message, parts_of, settle
from web.ui.vercel.sent import NAME

JOINTS = ("", "\n\n")
"""Between the texts of a message, where a draft had them as one."""


@define(eq=False)
class Telling:
    """One stream. Each method says what it tells next."""

    one_message: bool = False
    """Whether all goes into one UI message: for a client that has sent something, and takes what it
    is answered for that."""
    is_over: bool = field(default=False, init=False)
    """Whether `abort` was told."""
    _id: str | None = field(default=None, init=False)
    """Of the UI message that is told."""
    _goes_on: bool = field(default=False, init=False)
    """Whether what an agent says next belongs to the same UI message."""
    _in_step: bool = field(default=False, init=False)
    _calls: list[Part] = field(factory=list, init=False)
    """Of the UI message that is told."""
    _shown: dict[str, dict[str, Shown | None]] = field(factory=dict, init=False)
    """Of each draft, its parts by their names."""
    _parts: int = field(default=0, init=False)

    def goes_on_from(self, ui_message: Mapping[str, Any]) -> None:
        """A client has this UI message, and what comes is to be added to it."""
        self._id, self._goes_on = ui_message["id"], True
        self._calls = [dict(part) for part in ui_message["parts"] if "toolCallId" in part]

    def messages(self, log: Iterable[Kept]) -> Iterator[Chunk]:
        """Messages that are there, in order."""
        for kept in log:
            yield from self.message(kept)

    def message(self, kept: Kept) -> Iterator[Chunk]:
        """A message has come."""
        if kept.speaker == "tool":
            yield from self._results(kept)
        elif kept.speaker != "assistant":
            self._goes_on = False
        elif not self.is_over:
            yield from self._answer(kept)

    def grown(self, grown: Grown) -> Iterator[Chunk]:
        """A draft has grown."""
        shown = self._shown.get(grown.id)
        if speaker_of(grown.role) != "assistant" or self.is_over:
            return
        if shown is not None and grown.offset == 0 and any(shown.values()):
            yield from self.abort("The answer is begun anew")
            return
        if shown is None:
            shown = self._shown[grown.id] = {}
            yield from self._begin(grown.id, joins=self._goes_on)
            self._goes_on = True
            yield from self._step()
        if grown.part is not None and grown.text:
            yield from self._more(shown, grown)

    def dropped(self, message_id: str) -> Iterator[Chunk]:
        """A draft is no more; if its message has come, that was told before."""
        if message_id in self._shown:
            yield from self.abort("The answer was taken back")

    def changed(self) -> Iterator[Chunk]:
        """What was told holds no more: the log was rewound, or is another one."""
        yield from self.abort("The chat has changed: load it again")

    def aside(self, name: str, data: dict[str, Any]) -> Iterator[Chunk]:
        """What is no part of the answer: it reaches `onData`, and is not kept."""
        yield {"type": f"data-{name}", "data": data, "transient": True}

    def end(self) -> Iterator[Chunk]:
        """The answer is finished."""
        if not self.is_over:
            yield from self._close()
            yield {"type": "finish"}

    def abort(self, reason: str) -> Iterator[Chunk]:
        """Nothing more is told, and the answer is not finished."""
        if not self.is_over:
            yield from self._close()
            yield {"type": "abort", "reason": reason}
            self.is_over = True

    def error(self, text: str) -> Iterator[Chunk]:
        """The stream is cut off: the client connects again."""
        yield {"type": "error", "errorText": text}

    # -- inside ------------------------------------------------------------------------------

    def _begin(self, message_id: str, *, joins: bool) -> Iterator[Chunk]:
        if self._id is not None and (joins or self.one_message):
            return
        yield from self._leave_step()
        self._id = message_id
        self._calls = []
        yield {"type": "start", "messageId": message_id}

    def _step(self) -> Iterator[Chunk]:
        yield from self._leave_step()
        self._in_step = True
        yield {"type": "start-step"}

    def _leave_step(self) -> Iterator[Chunk]:
        for shown in self._shown.values():
            yield from _ended(shown.values())
        if self._in_step:
            self._in_step = False
            yield {"type": "finish-step"}

    def _close(self) -> Iterator[Chunk]:
        yield from self._leave_step()
        self._shown.clear()

    def _results(self, kept: Kept) -> Iterator[Chunk]:
        for piece in kept.pieces:
            if isinstance(piece, Came) and settle(self._calls, piece):
                [part] = [call for call in self._calls if call["toolCallId"] == piece.id][-1:]
                yield from result_chunks(part)

    def _answer(self, kept: Kept) -> Iterator[Chunk]:
        shown = self._shown.pop(kept.id, None)
        is_sent = is_ui_message(kept)
        parts = [
            part
            for part in (kept.message["parts"] if is_sent else _said(kept))
            # Its draft has begun the first step already.
            if not (shown is not None and part == STEP)
        ]
        if shown is None:
            yield from self._begin(kept.id, joins=self._goes_on and not is_sent)
        if is_sent:
            rest = kept.envelope(NAME)
            if rest.get("metadata") is not None:
                yield {"type": "message-metadata", "messageMetadata": rest["metadata"]}
        yield from self._rest(parts, shown or {})
        self._goes_on = not is_sent
        yield from self._leave_step()

    def _rest(self, parts: list[Part], shown: dict[str, Shown | None]) -> Iterator[Chunk]:
        """What of these parts was not shown."""
        open_parts = [one for one in shown.values() if one is not None and one.kind != "tool"]
        parts = _as_shown(parts, open_parts)
        for part in parts:
            if part == STEP:
                yield from self._step()
                continue
            if "toolCallId" in part:
                self._calls.append(dict(part))
            found = next((one for one in open_parts if one.kind == part["type"]), None)
            if found is not None:
                open_parts.remove(found)
                rest = found.rest_of(part["text"])
                if rest:
                    yield from _opened(found)
                    yield {"type": f"{found.kind}-delta", "id": found.id, "delta": rest}
                yield from _ended([found])
                if rest is not None:
                    continue
            self._parts += 1
            yield from chunks_of(part, f"part-{self._parts}")
        yield from _ended(open_parts)

    def _more(self, shown: dict[str, Shown | None], grown: Grown) -> Iterator[Chunk]:
        assert grown.part is not None
        if grown.part not in shown:
            part = shown[grown.part] = Shown.of(grown.id, grown.part)
            if part is not None:
                yield _start(part)
        part = shown[grown.part]
        if part is None:
            return
        yield from _opened(part)
        part.add(grown.text)
        if part.kind == "tool":
            delta = {"toolCallId": part.id, "inputTextDelta": grown.text}
            yield {"type": "tool-input-delta", **delta}
        else:
            yield {"type": f"{part.kind}-delta", "id": part.id, "delta": grown.text}


def _said(kept: Kept) -> list[Part]:
    """The parts of what others wrote, as `Chat` has them."""
    return [dict(STEP), *(part for piece in kept.pieces for part in parts_of(piece))]


def _as_shown(parts: list[Part], shown: list[Shown]) -> list[Part]:
    """The parts with their texts as one, where a draft had them so."""
    for kind in ("text", "reasoning"):
        drafted = [one for one in shown if one.kind == kind]
        said = [part for part in parts if part["type"] == kind]
        if len(drafted) != 1 or len(said) < 2 or drafted[0].rest_of(said[0]["text"]) is not None:
            continue
        for joint in JOINTS:
            whole = joint.join(part["text"] for part in said)
            if drafted[0].rest_of(whole) is not None:
                first = parts.index(said[0])
                rest = [part for part in parts if part["type"] != kind]
                parts = [*rest[:first], {**said[0], "text": whole}, *rest[first:]]
                break
    return parts


def _start(part: Shown) -> Chunk:
    if part.kind != "tool":
        return {"type": f"{part.kind}-start", "id": part.id}
    call = {"toolCallId": part.id, "toolName": part.tool, "dynamic": True}
    return {"type": "tool-input-start", **call}


def _opened(part: Shown) -> Iterator[Chunk]:
    """Goes on with a part that was ended in between."""
    if not part.is_open:
        part.is_open, part.id = True, f"{part.id}+"
        yield _start(part)


def _ended(parts: Iterable[Shown | None]) -> Iterator[Chunk]:
    for part in parts:
        if part is not None and part.kind != "tool" and part.is_open:
            part.is_open = False
            yield {"type": f"{part.kind}-end", "id": part.id}
