"""Drafts: messages that are still being written."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import MAX_DELTA, MAX_PART, MAX_ROLE, InvalidInput, KiB, read_as
from web.call.body import taken
from web.call.parts import WHERE
from web.call.problems import write
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import NO_CONTROLS, Replaced
from web.call.write import written
from web.http.message import Request, Response

MAX_BODY = 12 * MAX_DELTA + 16 * KiB
"""Bytes of JSON: the longest way of writing a character is twelve, and the other members are short.
What is longer is refused before it is decoded."""


class DraftIn(Struct, forbid_unknown_fields=True):
    """What is added to a message that is still being written."""

    append: Annotated[str, Meta(max_length=MAX_DELTA, description="What follows in this part")]
    role: (
        Annotated[str, Meta(min_length=1, max_length=MAX_ROLE, description="Of a new draft")]
        | UnsetType
    ) = UNSET
    part: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_PART,
            description="What grows: text, reasoning, the arguments of a tool's call",
            extra_json_schema={"pattern": f"^{NO_CONTROLS}$"},
        ),
    ] = "content"
    offset: (
        Annotated[int, Meta(ge=0, description="The number that the last answer gave; 409 if not")]
        | UnsetType
    ) = UNSET


class DraftOut(Struct, omit_defaults=True):
    """How far the draft has come."""

    offset: Annotated[int, Meta(ge=0, description="Characters, in all parts together")]
    replaced: Replaced | UnsetType = UNSET


async def append_draft(
    resources: Resources, request: Request, session_id: str, message_id: str
) -> Response:
    """Adds to a message that is still being written; 201 if it begins with this.

    It is answered at once, and on disk within the snapshot interval. The message with this id takes
    its place.
    """
    session = resources.runtime.session(session_id, nowait=True)
    delta, replaced = await taken(resources, request, _delta)
    asked = written(resources, request)
    await asked.check_present(session)
    offset = None if delta.offset is UNSET else delta.offset
    with write(repeatable=offset is not None):
        drafted = await session.append_draft(
            message_id,
            delta.append,
            part=delta.part,
            role=None if delta.role is UNSET else delta.role,
            offset=offset,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    body = DraftOut(drafted.offset, (replaced + drafted.replaced) or UNSET)
    return json_answer(body, 201 if drafted.is_new else 200)


async def drop_draft(
    resources: Resources, request: Request, session_id: str, message_id: str
) -> Response:
    """Takes back what was drafted of a message, if anything was."""
    session = resources.runtime.session(session_id, nowait=True)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=True):
        await session.drop_draft(message_id, if_match=asked.if_match, turn=asked.turn)
    return Response(204)


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/drafts/<message_id>",
        append_draft,
        {200: DraftOut, 201: DraftOut},
        body=DraftIn,
        problems=(409, 412),
    ),
    Route(
        "DELETE",
        "/sessions/<session_id>/drafts/<message_id>",
        drop_draft,
        {204: None},
        problems=(412,),
    ),
)


def _delta(body: bytes) -> tuple[DraftIn, int]:
    """What is to be added, and how many lone surrogates became U+FFFD in it."""
    if len(body) > MAX_BODY:
        raise InvalidInput(
            f"append: a delta can have {MAX_DELTA} characters, and the body has {len(body)} bytes; "
            "send it in parts"
        )
    return read_as(body, DraftIn, WHERE)
