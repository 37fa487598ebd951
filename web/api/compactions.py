"""Compactions: what a model is told in the place of old messages. The history keeps those."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from web.api.entries import EntryOut
from web.api.log import WrittenOut
from web.api.messages import AnyMessage
from web.call.body import read
from web.call.problems import write
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import CallId, Seq
from web.call.write import written
from web.http.message import Request, Response

Through = Annotated[Seq, Meta(description="The last entry that the summary stands for")]


class CompactionBody(Struct):
    """From here on a model is told the summary in the place of the messages up to an entry."""

    through: Through
    summary: AnyMessage


class CompactionEntry(EntryOut, tag="compaction", kw_only=True):
    """A summary in the place of old messages, for models."""

    body: CompactionBody


ENTRIES = (CompactionEntry,)


class CompactionIn(Struct, forbid_unknown_fields=True):
    """A summary in the place of old messages."""

    through: Through
    summary: Annotated[
        dict[str, Any],
        Meta(
            description="A message, to 256 KiB of JSON: an object with a role, and what it has",
            extra_json_schema={"required": ["role"]},
        ),
    ]
    id: CallId | None = None


async def compact(resources: Resources, request: Request, session_id: str) -> Response:
    """Has a model told a summary in the place of the messages up to an entry.

    It shows in the session's context alone: the history keeps all messages. A rewind takes it
    along.
    """
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, CompactionIn)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=wanted.id is not None):
        done = await session.compact(
            wanted.through,
            wanted.summary,
            id=wanted.id,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    status = asked.status(201) if done.applied else 200
    return asked.answer(done, WrittenOut.of(done, 0), status)


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/compactions",
        compact,
        {200: WrittenOut, 201: WrittenOut, 202: WrittenOut},
        body=CompactionIn,
        problems=(409, 412),
    ),
)
