"""The context: what to send to a model."""

from typing import Annotated

from msgspec import Meta, Struct

from runtime import MAX_CONTEXT
from web.api.messages import AnyMessage
from web.call.query import query
from web.call.rendering import encode, encoded_answer, laid, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of, unchanged
from web.http.message import Request, Response


class ContextQuery(Struct):
    """How much is told at the most."""

    max_messages: Annotated[int, Meta(ge=1, description="All, if absent")] | None = None
    max_bytes: Annotated[
        int,
        Meta(ge=2, le=MAX_CONTEXT, description="Of JSON: of the list `messages`, without spaces"),
    ] = MAX_CONTEXT


class ContextOut(Struct):
    """What to send to a model."""

    messages: Annotated[
        list[AnyMessage], Meta(description="As they were sent, member for member, where valid")
    ]
    interrupted: Annotated[
        list[str],
        Meta(description="Calls that had no result and were given one: their ids, or their tools"),
    ]


async def get_context(resources: Resources, request: Request, session_id: str) -> Response:
    """What to send to a model, valid for any provider, and within limits.

    It begins with a user's message, or with the system's and then one. Every call of a tool has
    exactly one result: a missing one is filled in, and its call named in `interrupted`. The newest
    exchanges are told whole; only one that does not fit alone is cut. The newest compaction
    applies. Nothing is written. 409 says what would be needed, if even the least does not fit.
    """
    part = query(request, ContextQuery)
    context = await resources.runtime.session(session_id, nowait=True).context(
        max_messages=part.max_messages, max_bytes=part.max_bytes
    )
    known = unchanged(request, context)
    if known is not None:
        return known
    end = b'],"interrupted":' + encode(context.interrupted) + b"}"
    body = await made(
        sum(map(len, context.texts)), lambda: laid(b'{"messages":[', context.texts, end)
    )
    return encoded_answer(body, headers_of(context))


ROUTES = (
    Route(
        "GET",
        "/sessions/<session_id>/context",
        get_context,
        {200: ContextOut, 304: None},
        query=ContextQuery,
        problems=(409,),
    ),
)
