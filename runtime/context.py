"""A context on its way from a log of any length to whoever asked.

It is read from the newest message backwards, until there is enough: from memory first, and then
from the store, in short pieces, as a history is, while the session goes on.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from time import perf_counter
from typing import Any, TypeVar

import msgspec
import trio
from attrs import frozen

from runtime.config import KiB
from runtime.errors import StoreUnavailable, damaged
from runtime.history import PIECE, Find
from runtime.session.asked.telling import Telling
from runtime.session.bodies.pieces import give_way
from runtime.session.context.composing import Composed, Composer, Fixed, Limits
from runtime.session.context.reading import shape_of, speaker_of
from runtime.session.entries.forms import sent_of
from runtime.session.entries.stretch import Stretch
from runtime.session.entries.tail import Said, Tail
from runtime.session.replies import Reply
from runtime.store.entries import MESSAGE, Wanted

T = TypeVar("T")

SHORT = 16 * KiB
"""Bytes of messages that are looked at without a thread: less than a millisecond."""

FEW = 100
"""Messages of which as much is true."""

AT_ONCE = 1_000
"""Entries that are asked of the store at a time, at most."""

STRETCH = 0.001
"""Seconds that a thread works before it lets others run."""


@frozen(kw_only=True)
class Context(Reply):
    """What to send to a model."""

    texts: Sequence[bytes]
    """The messages, as JSON: as they were sent, but for what was not valid."""
    interrupted: Sequence[str]
    """The ids of calls whose results were made up; a tool's name where its calls have none."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages."""
        return [msgspec.json.decode(text) for text in self.texts]


async def context_of(told: Telling, limits: Limits, find: Find) -> Context:
    """The context of a session. Raises `DoesNotFit`, `StoreError`."""
    reading = _Reading(told.session_id, find, limits.max_bytes)
    before = None
    if told.summary is not None and speaker_of(told.summary) != "user":
        before = await reading.last_said(told.earlier)
    fixed = Fixed(instructions=told.instructions, summary=told.summary, before=before)
    composer = Composer(fixed, limits)
    await reading.into(composer, told.messages)
    composed: Composed = composer.end()
    return Context(
        session_id=told.session_id,
        version=told.version,
        durable_seq=told.durable_seq,
        tag=told.tag,
        texts=composed.messages,
        interrupted=composed.interrupted,
    )


@frozen(eq=False)
class _Reading:
    """Goes back through a log."""

    session_id: str
    find: Find
    size: int
    """Bytes of messages that are looked at, about."""

    async def into(self, composer: Composer, messages: Stretch) -> None:
        """Gives the composer as many as it wants. Raises `DoesNotFit`, `StoreError`."""
        if not await self._looked(composer.take, messages):
            return
        async with aclosing(self._earlier(messages)) as pieces:
            async for piece in pieces:
                if not await trio.to_thread.run_sync(composer.take, _paced(piece)):
                    return

    async def last_said(self, messages: Stretch) -> bytes | None:
        """The last of these messages that a user said, as JSON. Raises `StoreError`."""
        found = await self._looked(_said, messages)
        if found is None:
            async with aclosing(self._earlier(messages)) as pieces:
                async for piece in pieces:
                    found = await trio.to_thread.run_sync(_said, _paced(piece))
                    if found is not None:
                        break
        return found

    async def _looked(self, look: Callable[[Iterable[Said]], T], messages: Stretch) -> T:
        """What comes of a look at those that are in memory."""
        if _is_short(messages.tail):
            return look(messages.backwards())
        return await trio.to_thread.run_sync(look, _paced(messages.backwards()))

    async def _earlier(self, messages: Stretch) -> AsyncGenerator[Sequence[Said], None]:
        """Those that are not in memory, in pieces, each the newest first. Raises `StoreError`."""
        room = max(SHORT, min(self.size, PIECE))
        for gap in reversed(messages.gaps()):
            assert messages.no is not None, "what the store does not have is in memory"
            seqs = gap
            while seqs:
                # Downwards: what there is no room for are the oldest of them.
                wanted = range(seqs[-1], max(seqs[0], seqs[-1] - AT_ONCE + 1) - 1, -1)
                rows = await self.find(messages.no, Wanted(seqs=wanted, room=room))
                if not rows:
                    raise StoreUnavailable(
                        f"Session {self.session_id!r} was deleted for good while its context was "
                        f"being read, or entry {seqs[-1]} is missing"
                    )
                for row, seq in zip(reversed(rows), wanted, strict=False):
                    if row[0] != seq:
                        raise damaged(self.session_id, f"entry {seq} is missing")
                seqs = seqs[: len(seqs) - len(rows)]
                yield [
                    (body, key, metadata, form)
                    for _, kind, key, _, body, _, metadata, form, _ in reversed(rows)
                    if kind == MESSAGE
                ]


def _is_short(tail: Tail) -> bool:
    fresh = tail.fresh
    if tail.size > SHORT or len(fresh) > FEW:
        return False
    return tail.size + sum(entry.size for entry in fresh) <= SHORT


def _said(messages: Iterable[Said]) -> bytes | None:
    for body, key, metadata, form in messages:
        shape = shape_of(body)
        if shape.speaker == "user" and not shape.results:
            return sent_of(body, key, metadata, form)
    return None


def _paced(messages: Iterable[Said]) -> Iterator[Said]:
    """The same; others may run every millisecond."""
    due = perf_counter() + STRETCH
    for message in messages:
        yield message
        if perf_counter() >= due:
            give_way()
            due = perf_counter() + STRETCH
