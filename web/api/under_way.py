"""Whether an answer is being written, and for how long an agent is waited for that says nothing."""

from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec
import trio
from attrs import define, field

from runtime import SECONDS, Entry, Resumed, sent
from web.call.rendering import made
from web.ui.kept import Kept

RETURN = 15 * SECONDS
"""For which an agent is waited for that has begun and says nothing: a service that was killed is
there again after a second or two, and so is what an agent sends again."""


@define
class UnderWay:
    """Whether there is an answer to wait for."""

    has_turn: bool
    is_owed: bool
    """Whether the last message wants another one."""
    patience: float
    """Seconds for which an agent is waited for that has not begun."""
    heard: float
    """When something happened last."""
    has_begun: bool = False
    drafts: dict[str, bool] = field(factory=dict)
    """By their ids, whether they are interrupted."""

    @classmethod
    async def of(cls, resumed: Resumed, patience: float) -> "UnderWay":
        """As a session is."""
        last = resumed.messages.entries[-1:]
        size = sum(entry.size for entry in last)
        is_owed = await made(
            size, lambda: any(kept_of(entry).is_owed for entry in last), transformed=size
        )
        drafts = {draft.message_id: draft.interrupted for draft in resumed.drafts}
        return cls(
            has_turn=resumed.turn is not None,
            is_owed=is_owed,
            patience=patience,
            heard=trio.current_time(),
            has_begun=resumed.turn is not None or bool(drafts),
            drafts=drafts,
        )

    @property
    def ends_at(self) -> float:
        """When there is nothing to wait for any more, if nothing happens."""
        if self.has_turn or not all(self.drafts.values()):
            return inf
        if self.drafts:
            return self.heard + RETURN
        if not self.is_owed:
            return -inf
        return self.heard + (RETURN if self.has_begun else self.patience)

    def said(self, kept: Kept) -> None:
        """A message has come."""
        self.is_owed = kept.is_owed
        self.has_begun = self.has_begun or kept.speaker != "user"
        self.drafts.pop(kept.id, None)

    def turned(self, body: Mapping[str, Any]) -> None:
        """A turn begins, is asked to stop, or ends."""
        self.has_turn = "holder" in body or ("ended" not in body and self.has_turn)
        self.has_begun = self.has_begun or self.has_turn


def kept_of(entry: Entry) -> Kept:
    """A message of the log, decoded."""
    return Kept(entry.seq, entry.key, msgspec.json.decode(sent(entry)))
