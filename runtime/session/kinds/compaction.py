"""The kind `compaction`: a model is told a summary in the place of the messages up to an entry.

Its body is `{through, summary}`; `summary` is a message. The rules:

- It changes what a context shows, and nothing else: the history has all messages, as before.
- The newest one that counts applies, alone: whoever summarises again says what the earlier summary
  said.
- A rewind takes it along, so going back to before it brings the messages back into the context. A
  fork has it.

In memory is only the number of the newest one's entry.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import define, frozen

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.bodies.encoding import encode, parse
from runtime.session.context.reading import shape_of
from runtime.session.entries.chain import digest_of
from runtime.session.kind import Fold, Kind, New
from runtime.session.life import Life
from runtime.session.replies import Written
from runtime.session.rules import MAX_SMALL_BODY, check_key, check_role
from runtime.session.single import written
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry

COMPACTION = "compaction"

MAX_SUMMARY = MAX_SMALL_BODY
"""Bytes of JSON of a summary, 256 KiB: a sixth of what the largest models take in. Each context
begins with it, and it is kept whole."""


@define
class Compactions(Fold):
    """The newest that counts."""

    seq: int = 0
    """The number of its entry; 0: there is none."""

    def add(self, entry: Entry) -> None:
        self.seq = entry.seq

    def copy(self) -> "Compactions":
        return Compactions(self.seq)

    def view(self) -> Any:
        return {"seq": self.seq}


class CompactionKind(Kind):
    """Summaries in the place of messages, for models."""

    name = COMPACTION
    redactable = (("summary", "content"), ("summary", "parts"))
    own_calls = "POST …/compactions (embedded: session.compact)"
    fold = Compactions
    folds_bodies = False

    def arrived(self, key: str | None, text: bytes) -> New:
        if key is not None:
            check_key(key, "key")
        body, replaced = parse(text, "body")
        if not isinstance(body, Mapping) or body.keys() != {"through", "summary"}:
            raise InvalidInput("compaction: the body must have `through` and `summary`")
        made = compaction(body["through"], body["summary"])
        return New(COMPACTION, key, made.body, replaced=replaced)

    def check_place(self, life: Life, new: New) -> None:
        if _read(new.body).through > life.version:
            raise InvalidInput(f"through: must be at most the version before, {life.version}")


class _Body(msgspec.Struct):
    through: int
    summary: msgspec.Raw


@frozen
class Compaction:
    """What applies to a context."""

    through: int
    """Messages up to this entry are not told."""
    summary: bytes
    """The message that is told instead, as JSON."""


def compaction(through: int, summary: Any) -> New:
    """An entry without a key yet; `summary` is of plain JSON values. Raises `InvalidInput`."""
    if not isinstance(through, int) or isinstance(through, bool) or through < 1:
        raise InvalidInput("through: must be the number of an entry, 1 or more")
    if not isinstance(summary, Mapping):
        raise InvalidInput("summary: must be a message, a JSON object with a role")
    try:
        check_role(summary.get("role"))
    except InvalidInput as error:
        raise InvalidInput(f"summary: {error}") from None
    text = encode(summary, "summary")
    if len(text) > MAX_SUMMARY:
        raise InvalidInput(
            f"summary: {len(text)} bytes of JSON, and the limit is {MAX_SUMMARY}: it stands for "
            "messages, and should be shorter than they are"
        )
    shape = shape_of(text)
    if not shape.is_plain or shape.speaker == "tool":
        raise InvalidInput(
            "summary: must neither call a tool nor be a tool's result: it stands alone"
        )
    return New(COMPACTION, None, b'{"through":%d,"summary":%b}' % (through, text))


def compact(
    state: SessionState,
    new: New,
    *,
    at: str,
    key: str | None = None,
    condition: Condition = ANY,
) -> Written:
    """Lets a summary stand for the messages up to an entry. `key` is the call's id.

    Raises `SessionNotFound`, `InvalidInput`, `KeyConflict`, `PreconditionFailed`, `Needs`.
    """
    life = state.present()
    if key is not None:
        new = New(COMPACTION, check_key(key), new.body)
        seq = life.seq_of(COMPACTION, key)
        if seq is not None:
            if digest_of(life.entry(seq)) != new.digest:
                raise KeyConflict(COMPACTION, key, seq)
            return written(state, seq, repeated=True)
    state.check(condition)
    through = _read(new.body).through
    if through > life.version:
        raise InvalidInput(
            f"through: must be at most the session's version, {life.version}: it is the last entry "
            "that the summary stands for"
        )
    state.write([new], at)
    return written(state, life.version)


def present_compaction(life: Life) -> Compaction | None:
    """The one that applies, if there is one. Raises `Needs`."""
    fold = life.folds[COMPACTION]
    assert isinstance(fold, Compactions)
    if not fold.seq:
        return None
    life.log.need([fold.seq])
    body = _read(life.entry(fold.seq).body)
    return Compaction(body.through, bytes(body.summary))


def _read(body: bytes) -> _Body:
    return msgspec.json.decode(body, type=_Body)
