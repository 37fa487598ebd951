"""One call that opens a session: all that an IDE shows of it, as it is at one moment."""

from typing import Annotated, cast

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import DraftView, Resumed
from web.api.agents import AgentHistory, AgentSwitchOut
from web.api.approvals import ApprovalOut
from web.api.messages import SentMessageOut, sent_message
from web.api.sessions import SessionOut
from web.api.turns import TurnOut
from web.api.usage import Numbers
from web.call.query import query
from web.call.rendering import HERE, encoded_answer, filled, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import LogCursor
from web.http.message import Request, Response


class ResumeQuery(Struct):
    """How much of the conversation."""

    last: Annotated[int, Meta(ge=1, le=1000, description="The newest so many messages")] = 50


class DraftViewOut(Struct):
    """A message that is still being written."""

    message_id: str
    role: str
    parts: Annotated[dict[str, str], Meta(description="The text of each part, by its name")]
    offset: Annotated[int, Meta(ge=0, description="Characters, in all parts together")]
    interrupted: Annotated[bool, Meta(description="Nobody seems to be writing it any more")]

    @classmethod
    def of(cls, view: DraftView) -> "DraftViewOut":
        return cls(view.message_id, view.role, view.parts, view.offset, view.interrupted)


class ResumeOut(Struct, omit_defaults=True):
    """A session as it is opened."""

    session: SessionOut
    messages: Annotated[list[SentMessageOut], Meta(description="The newest that count")]
    current_agent: str
    agent_history: AgentHistory
    approvals: Annotated[
        list[ApprovalOut],
        Meta(description="The first 100 that are pending, of the first 1,000 without an answer"),
    ]
    drafts: Annotated[list[DraftViewOut], Meta(description="The oldest first")]
    cursor: Annotated[LogCursor, Meta(description="Where to follow the session from")]
    turn: Annotated[TurnOut, Meta(description="There if somebody has one")] | UnsetType = UNSET
    usage: (
        Annotated[
            Numbers,
            Meta(
                description="Each number's sum, if anything was used. Of a session that is not in "
                "memory as a whole it is absent until somebody has asked for its usage"
            ),
        ]
        | UnsetType
    ) = UNSET

    @classmethod
    def around(cls, resumed: Resumed) -> "ResumeOut":
        """All but the messages."""
        return cls(
            session=SessionOut.of(resumed.summary),
            messages=cast("list[SentMessageOut]", [HERE]),
            current_agent=resumed.agents.current_agent,
            agent_history=AgentSwitchOut.all_of(resumed.agents.agent_history),
            approvals=[ApprovalOut.of(one) for one in resumed.approvals.approvals],
            drafts=[DraftViewOut.of(view) for view in resumed.drafts],
            cursor=resumed.tag,
            turn=UNSET if resumed.turn is None else TurnOut.of(resumed.turn),
            usage=UNSET if resumed.usage is None else dict(resumed.usage),
        )


async def resume(resources: Resources, request: Request, session_id: str) -> Response:
    """Opens a session: its header, newest messages, agents, what is pending, drafts, turn, usage.

    All as at one moment; `cursor` is where to follow it from (`/events?after=`). Messages before
    these are at `/messages?before=`, with the number of the first one. It has no `ETag`: a draft
    and a turn change without an entry.
    """
    last = query(request, ResumeQuery).last
    resumed = await resources.runtime.session(session_id, nowait=True).resume(last=last)
    size = sum(entry.size for entry in resumed.messages.entries)
    size += sum(view.offset for view in resumed.drafts)
    body = await made(
        size,
        lambda: filled(ResumeOut.around(resumed), map(sent_message, resumed.messages.entries)),
    )
    return encoded_answer(body, (("Durable-Seq", str(resumed.durable_seq)),))


ROUTES = (
    Route("GET", "/sessions/<session_id>/resume", resume, {200: ResumeOut}, query=ResumeQuery),
)
