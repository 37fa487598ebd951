"""Approvals, as a program asks for them and answers: of one session, and of all that wait."""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import trio
from attrs import frozen

from runtime.asking import Asking, condition_of
from runtime.clock import milliseconds
from runtime.errors import InvalidInput, NotHere, SessionDamaged, SessionNotFound
from runtime.session.bodies.encoding import check_tree
from runtime.session.kinds.approval import Decision, ask, decide, one, page, question
from runtime.session.log import PAGE_BYTES
from runtime.session.replies import APPROVAL_STATES, Approval, ApprovalPage, ApprovalState
from runtime.store.by_number import WaitingPage

log = logging.getLogger("agent_runtime")


@frozen(eq=False)
class Approvals:
    """The approvals of one session. Each method may also raise what a `Session`'s may."""

    _asking: Asking

    async def ask(
        self,
        approval_id: str,
        title: str,
        *,
        detail: Any = None,
        expires_in: float | None = None,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Approval:
        """Asks somebody; the same again has no effect and is answered as things are.

        `detail` is any JSON value; `expires_in`, in seconds, by the clock. Raises
        `SessionNotFound`, `InvalidInput`, `KeyConflict`, `PreconditionFailed`.
        """
        check_tree(detail, "detail")
        new = question(approval_id, title, detail=detail, expires_in=expires_in)
        at, condition = self._asking.timestamp(), condition_of(if_match, turn=turn)
        return await self._asking.write(
            lambda state: ask(state, new, at=at, condition=condition), durable
        )

    async def decide(
        self,
        approval_id: str,
        decision: Decision,
        *,
        by: str | None = None,
        note: str | None = None,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Approval:
        """Answers, once: `"approved"` or `"denied"`. The same again has no effect.

        Raises `SessionNotFound`, `InvalidInput`, `ApprovalNotFound`, `ApprovalSettled` if there is
        another answer already, or it comes too late, `PreconditionFailed`.
        """
        at, condition = self._asking.timestamp(), condition_of(if_match, turn=turn)
        sent = trio.current_time()
        return await self._asking.write(
            lambda state: decide(
                state,
                approval_id,
                decision,
                by=by,
                note=note,
                at=at,
                sent=sent,
                condition=condition,
            ),
            durable,
        )

    async def get(self, approval_id: str, *, wait: float = 0.0) -> Approval:
        """An approval as it is now; or, if it is pending, when it is so no more.

        At the latest after `wait` seconds. Raises `SessionNotFound`, `ApprovalNotFound`; `NotHere`
        also if another process comes to own the session meanwhile.
        """
        asking = self._asking
        deadline = trio.current_time() + wait
        with asking.feeds.watching(asking.session_id) as feed:
            bell = feed.bell
            while True:
                rung = bell.rung
                if feed.has_moved:  # also if it has come back: this bell does not ring any more
                    raise NotHere(asking.session_id, None)
                found, left = await self._look(approval_id)
                until = min(deadline, trio.current_time() + left)
                if found.state != "pending" or trio.current_time() >= deadline:
                    return found
                if asking.feeds.is_closed:
                    return found
                # From here to the wait nothing yields: a change since the look has rung.
                if bell.rung == rung:
                    await bell.wait(until)

    async def list(
        self, *, state: ApprovalState | None = None, limit: int = 100, after: int = 0
    ) -> ApprovalPage:
        """At most `limit` of them behind entry `after`, in the order in which they were asked.

        With `state`, of those that are in it. Raises `SessionNotFound`, `InvalidInput`.
        """
        if limit < 1:
            raise InvalidInput("limit: must be 1 or more")
        if state not in (None, *APPROVAL_STATES):
            raise InvalidInput(f"state: must be one of {', '.join(APPROVAL_STATES)}")
        at = self._asking.timestamp()
        return await self._asking.read(
            lambda session: page(session, at=at, wanted=state, limit=limit, after=after)
        )

    async def _look(self, approval_id: str) -> tuple[Approval, float]:
        """The approval, and for how many seconds it can stay pending at the most."""
        at = self._asking.timestamp()
        found = await self._asking.read(lambda state: one(state, approval_id, at=at))
        if found.expires_at is None:
            return found, float("inf")
        return found, (milliseconds(found.expires_at) - milliseconds(at)) / 1000


@frozen
class PendingPosition:
    """A place in the list of all that is pending, right behind one approval."""

    no: int
    """Of the session's life."""
    seq: int


@frozen
class PendingPage:
    """Some of what is pending, session by session."""

    approvals: Sequence[Approval]
    next: PendingPosition | None
    """Where the next page begins; `None` at the end."""


async def pending_of_all(
    waiting: Callable[[int, int], Awaitable[WaitingPage]],
    list_of: Callable[[str, int, int], Awaitable[ApprovalPage]],
    limit: int,
    after: PendingPosition | None,
) -> PendingPage:
    """At most `limit` approvals that are pending, of all sessions that wait for somebody.

    `waiting` gives at most so many sessions behind a number, `list_of` at most so many approvals of
    a session behind an entry. A page may be short, but not empty, where the details are large. A
    session that is damaged is left out: it would hide all others.
    """
    found: list[tuple[PendingPosition, Approval]] = []
    size = 0
    start = after or PendingPosition(0, 0)
    # The session in which the last page ended may have more.
    before: int | None = max(0, start.no - 1)
    while before is not None and len(found) <= limit and size < PAGE_BYTES:
        sessions = await waiting(limit + 1, before)
        for no, session_id in sessions.sessions:
            seq: int | None = start.seq if no == start.no else 0
            while seq is not None and len(found) <= limit and size < PAGE_BYTES:
                try:
                    approvals = await list_of(session_id, limit + 1 - len(found), seq)
                except SessionNotFound:  # deleted since
                    break
                except SessionDamaged as error:
                    log.warning("left out of the approvals that are pending: %s", error)
                    break
                found += [(PendingPosition(no, one.seq), one) for one in approvals.approvals]
                size += sum(len(one.detail or b"") for one in approvals.approvals)
                seq = approvals.next
        before = sessions.next
    is_cut = len(found) > limit or size >= PAGE_BYTES
    page = found[:limit]
    return PendingPage([approval for _, approval in page], page[-1][0] if is_cut else None)
