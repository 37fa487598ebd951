"""The newest messages of a session, as far back as somebody needs them."""

from collections.abc import Callable, Sequence

from attrs import frozen

from runtime import Entry, LogPage, Session, SessionNotFound
from web.api.under_way import kept_of
from web.call.rendering import made
from web.ui.kept import Kept

PAGE = 100
"""Messages that are read at a time."""

LONGEST = 1_000
"""Messages, and no more: of one answer, and of a chat that is compared with what a client sends."""

Enough = Callable[[Sequence[Kept]], bool]


@frozen(kw_only=True)
class Tail:
    """Some messages that count, oldest first."""

    page: LogPage
    """The newest of them, and the state that the session was in."""
    entries: Sequence[Entry]
    kept: Sequence[Kept]
    earlier: int | None
    """What is before them is below this number; `None`: nothing is."""


async def tail(
    session: Session, enough: Enough, *, last: int = PAGE, before: int | None = None
) -> Tail:
    """The `last` messages, below entry `before`, and those before them until there is enough.

    Raises `SessionNotFound`, `InvalidInput`.
    """
    page = first = await session.messages(last=last, before=before, limit=last)
    entries = list(page.entries)
    kept = await decoded(entries)
    while page.next is not None and len(entries) < LONGEST and not enough(kept):
        page = await session.messages(before=page.next, limit=PAGE)
        entries = [*page.entries, *entries]
        kept = [*await decoded(page.entries), *kept]
    start = max(len(entries) - last, 0)
    while start > 0 and not enough(kept[start:]):
        start -= 1
    earlier = entries[start].seq if start else page.next
    return Tail(page=first, entries=entries[start:], kept=kept[start:], earlier=earlier)


async def decoded(entries: Sequence[Entry]) -> list[Kept]:
    """The messages of these entries; large ones are decoded in a thread."""
    size = size_of(entries)
    return await made(size, lambda: [kept_of(entry) for entry in entries], transformed=size)


def size_of(entries: Sequence[Entry]) -> int:
    """Bytes of their text."""
    return sum(entry.size for entry in entries)


async def drafted(session: Session) -> set[str]:
    """The ids of messages that are still being written.

    What an interface has of one is no message of its own, although it sends it with the others.
    """
    try:
        return {draft.message_id for draft in await session.drafts()}
    except SessionNotFound:
        return set()


def begins_with(is_begin: Callable[[Kept], bool]) -> Enough:
    """Whether the first of the messages is such a one."""
    return lambda kept: bool(kept) and is_begin(kept[0])
