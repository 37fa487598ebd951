"""The kind `rewind`: what counts is what counted when the log ended at `to`.

Its body is `{to}`. The entry itself always counts, so that nothing is lost: a rewind can be
rewound. What it means for a log is told, and done, in `life.py`.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from runtime.errors import InvalidInput, KeyConflict
from runtime.session.bodies.encoding import encode
from runtime.session.entries.counting import goal_of
from runtime.session.kind import Kind, New, arrived_as
from runtime.session.kinds.settings import summary
from runtime.session.life import REWIND, Life
from runtime.session.replies import Summary
from runtime.session.rules import check_key
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry


class RewindKind(Kind):
    """Going back, and forward again."""

    name = REWIND
    is_rewound = False
    is_rare = True

    def propose(self, life: Life, key: str | None, body: Any) -> New:
        if not isinstance(body, dict) or body.keys() != {"to"}:
            raise InvalidInput("rewind: the body must be an object with `to`")
        if key is not None:
            check_key(key, "key")
        to = body["to"]
        if not isinstance(to, int) or isinstance(to, bool):
            raise InvalidInput("to: must be a number of an entry, or 0")
        life.check_goal(to)
        return New(REWIND, key, encode({"to": to}, "rewind"))

    def arrived(self, key: str | None, text: bytes) -> New:
        return arrived_as(REWIND, key, text, _Kept)

    def check_place(self, life: Life, new: New) -> None:
        """The floor may have risen since: what was reached then does not matter any more."""
        to = msgspec.json.decode(new.body, type=_Kept).to
        if to > life.version:
            raise InvalidInput(f"to: must be from 0 to the version before, {life.version}")

    def is_repeat(self, life: Life, entry: Entry, body: Any) -> bool:  # noqa: ARG002
        """Whether the goal may still be reached does not matter any more."""
        return bool(body == {"to": goal_of(entry)}) and type(body["to"]) is int


class _Kept(Struct, forbid_unknown_fields=True):
    to: Annotated[int, Meta(ge=0)]


def rewind(
    state: SessionState,
    to: int,
    *,
    at: str,
    key: str | None = None,
    condition: Condition = ANY,
) -> Summary:
    """Goes back to what counted at version `to`, or forward. `key` is the call's id.

    Raises `SessionNotFound`, `InvalidInput`, `BelowFloor`, `KeyConflict`, `PreconditionFailed`,
    `Needs`.
    """
    life = state.present()
    seq = None if key is None else life.seq_of(REWIND, key)
    if seq is not None:
        if goal_of(life.entry(seq)) != to:
            raise KeyConflict(REWIND, key or "", seq)
        return summary(state, at, repeated=True)
    state.check(condition)
    state.write([life.kinds[REWIND].propose(life, key, {"to": to})], at)
    return summary(state, at)
