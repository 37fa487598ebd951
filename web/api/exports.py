"""Export and import: a session's whole log, as lines."""

from contextlib import aclosing
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import FORMAT_VERSION, Imported, LogStream, read_log
from web.api.sessions import OriginOut
from web.call.body import taken
from web.call.paths import segment
from web.call.problems import write
from web.call.query import query
from web.call.rendering import LINES, begun
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of, unchanged
from web.call.types import (
    AgentName,
    CallId,
    DurableSeq,
    NewSessionId,
    Replaced,
    Seq,
    SessionId,
    Timestamp,
    Version,
)
from web.call.write import written
from web.http.message import Chunks, Request, Response

_Chain = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
_Place = Annotated[str, Meta(pattern="^[0-9]{1,15}-[0-9a-f]{16}$")]


class HeadingLine(Struct, forbid_unknown_fields=True, kw_only=True):
    """The first line: whose log it is. What follows from the entries is there for readers alone."""

    format: Literal["agent-runtime"]
    format_version: Literal[1] | UnsetType = UNSET
    session_id: SessionId
    root: (
        Annotated[_Chain, Meta(description="The chain before entry 1; of the id, if absent")]
        | UnsetType
    ) = UNSET
    after: (
        Annotated[_Place, Meta(description="Of a part: the entry behind which it begins")]
        | UnsetType
    ) = UNSET
    through: Annotated[_Place, Meta(description="The last entry, and its chain")] | UnsetType = (
        UNSET
    )
    created_at: Timestamp | UnsetType = UNSET
    last_activity: Timestamp | UnsetType = UNSET
    floor: Version | UnsetType = UNSET
    title: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    message_count: int | UnsetType = UNSET
    current_agent: AgentName | UnsetType = UNSET
    forked_from: OriginOut | UnsetType = UNSET


class EntryLine(Struct, forbid_unknown_fields=True, kw_only=True):
    """Any other line: an entry, as the log shows it, and what links it to those before it."""

    seq: Seq
    kind: str
    key: str | UnsetType = UNSET
    at: Timestamp
    body: dict[str, Any]
    chain: _Chain | UnsetType = UNSET
    call: Annotated[CallId, Meta(description="The id of the call that it begins")] | UnsetType = (
        UNSET
    )
    call_size: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    id_is_key: bool | UnsetType = UNSET


assert FORMAT_VERSION == 1, "as the class of the first line says"


class ImportQuery(Struct):
    """Under which id."""

    session_id: Annotated[NewSessionId, Meta(description="Another one than the file's")] | None = (
        None
    )


class ImportedOut(Struct, omit_defaults=True):
    """What became of a log."""

    session_id: SessionId
    version: Version
    durable_seq: DurableSeq
    applied: Annotated[int, Meta(ge=0, description="How many entries were not here before")]
    created_at: Timestamp
    last_activity: Timestamp
    message_count: int
    replaced: Replaced | UnsetType = UNSET

    @classmethod
    def of(cls, imported: Imported, replaced: int) -> "ImportedOut":
        return cls(
            session_id=imported.session_id,
            version=imported.version,
            durable_seq=imported.durable_seq,
            applied=imported.applied,
            created_at=imported.created_at,
            last_activity=imported.last_activity,
            message_count=imported.message_count,
            replaced=replaced or UNSET,
        )


async def export_session(resources: Resources, request: Request, session_id: str) -> Response:
    """A session's whole log, as JSON lines: one that says whose it is, then one for each entry.

    It is sent while it is read, whatever its length; broken off, it lacks the entry that the first
    line names as the last one.
    """
    stream = await resources.runtime.session(session_id, nowait=True).export()
    known = unchanged(request, stream.log)
    if known is not None:
        return known
    return Response(200, await begun(_streamed(stream)), (LINES, *headers_of(stream.log)))


async def import_session(resources: Resources, request: Request) -> Response:
    """Takes in an exported log, with its times: all of it, or what is not here yet, or nothing.

    200 instead of 201: all of it was there. A log that is not the session's own is refused; with
    `session_id` it comes in as another session.
    """
    wanted = query(request, ImportQuery)
    log = await taken(resources, request, read_log)
    target = log.session_id if wanted.session_id is None else wanted.session_id
    asked = written(resources, request)
    with write(repeatable=True):
        done = await resources.runtime.session(target, nowait=True).import_log(
            log,
            durable=asked.durable,
            if_match=asked.if_match,
            if_absent=asked.if_absent,
            turn=asked.turn,
        )
    root = request.path.rsplit("/", 1)[0]
    return asked.answer(
        done,
        ImportedOut.of(done, log.replaced),
        asked.status(201) if done.applied else 200,
        (("Location", f"{request.root}{root}/sessions/{segment(done.session_id)}"),),
    )


ROUTES = (
    Route(
        "GET",
        "/sessions/<session_id>/export",
        export_session,
        {200: HeadingLine | EntryLine, 304: None},
        is_lines=True,
    ),
    Route(
        "POST",
        "/import",
        import_session,
        {200: ImportedOut, 201: ImportedOut, 202: ImportedOut},
        body=HeadingLine | EntryLine,
        query=ImportQuery,
        problems=(409, 412),
        is_lines=True,
    ),
)


async def _streamed(stream: LogStream) -> Chunks:
    """Raises `StoreError`, before it has begun if it cannot."""
    async with aclosing(stream.pieces()) as pieces:
        first = [await anext(pieces), await anext(pieces)]
        yield b""
        while first:
            yield first.pop(0)
        async for piece in pieces:
            yield piece
