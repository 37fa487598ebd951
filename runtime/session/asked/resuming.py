"""What an IDE needs that opens a session, as it is at one moment.

Asked for with several calls, the answers need not agree: in between, a message takes the place of a
draft, or a turn ends. And the place from which on the session is to be followed has to be that of
what is shown.
"""

from contextlib import suppress

from attrs import frozen

from runtime.errors import NoTurn
from runtime.session.asked.drafting import drafts_of
from runtime.session.asked.reading import MESSAGES, Part, log_page
from runtime.session.asked.working import Unread, ledger_of
from runtime.session.drafts.draft import DraftView
from runtime.session.kinds import approval, switch, turn
from runtime.session.kinds.settings import summary
from runtime.session.replies import (
    AgentContext,
    ApprovalPage,
    HeldTurn,
    LogPage,
    Reply,
    Summary,
)
from runtime.session.state import SessionState
from runtime.store.used import Numbers

MAX_PENDING = 100
"""Approvals that are shown, those first that were asked for first: a person answers one at a time.
As for any page of them, no more are looked at than `LOOKED_AT` of those without an answer: opening
a session takes no longer where thousands were left to expire. All are in pages of their own.
"""


@frozen(kw_only=True)
class Resumed(Reply):
    """A session as it is opened. Its `tag` is the place to follow it from."""

    summary: Summary
    messages: LogPage
    """The newest that count."""
    agents: AgentContext
    approvals: ApprovalPage
    """What is pending."""
    drafts: list[DraftView]
    turn: HeldTurn | None
    usage: Numbers | None
    """Each number's sum. `None`: nothing was used; or nobody has asked for it yet, and to know it,
    what is not in memory would have to be read."""


def resume(
    state: SessionState, *, last: int, at: str, brought: Unread | None = None
) -> Resumed | Unread:
    """All of it, or what its ledger lacks. Raises `SessionNotFound`, `Needs`."""
    ledger = ledger_of(state, brought)
    if isinstance(ledger, Unread):
        if not ledger.has_gap:
            return ledger
        used = None
    else:
        used = ledger.sums.totals or None
    held = None
    with suppress(NoTurn):
        held = turn.current(state)
    header = summary(state, at)
    return Resumed(
        session_id=header.session_id,
        version=header.version,
        durable_seq=header.durable_seq,
        tag=header.tag,
        summary=header,
        messages=log_page(state, Part(last=last, kinds=MESSAGES, counting=True)),
        agents=switch.agent_context(state),
        approvals=approval.page(state, at=at, wanted="pending", limit=MAX_PENDING),
        drafts=drafts_of(state),
        turn=held,
        usage=used,
    )
