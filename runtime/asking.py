"""How the calls of one subject ask a session: what its handle lends them."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, TypeVar

from attrs import frozen

from runtime.feeds.feeds import Feeds
from runtime.session.replies import Reply
from runtime.session.state import ANY, Condition, SessionState

A = TypeVar("A", bound=Reply)


class Read(Protocol):
    """Asks the session's actor. Raises as every method of a `Session` does."""

    def __call__(self, work: Callable[[SessionState], A], /) -> Awaitable[A]: ...


class Write(Protocol):
    """The same for what changes it; `durable` is whether to wait for the disk."""

    def __call__(
        self, work: Callable[[SessionState], A], durable: bool | None, /
    ) -> Awaitable[A]: ...


@frozen(eq=False, kw_only=True)
class Asking:
    """One session, as those calls need it."""

    session_id: str
    read: Read
    write: Write
    timestamp: Callable[[], str]
    feeds: Feeds


def condition_of(
    if_match: str | Collection[str] | None, if_absent: bool = False, *, turn: int | None = None
) -> Condition:
    """What a call expects, as it says it."""
    if if_match is None:
        return Condition(absent=if_absent, turn=turn) if if_absent or turn is not None else ANY
    tags = (if_match,) if isinstance(if_match, str) else if_match
    return Condition(tags=frozenset(tags), absent=if_absent, turn=turn)
