"""Sessions: creating, reading, changing and deleting them."""

from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import DEFAULT_AGENT, Activity, InvalidInput, New, Summary, from_json, normal
from web.call.body import read, taken
from web.call.parts import LARGE, WHERE, decode, joined, members
from web.call.paths import segment
from web.call.problems import write
from web.call.query import query
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import answer, headers_of
from web.call.types import AgentName, DurableSeq, NewSessionId, Seq, Timestamp, Title, Version
from web.call.write import written
from web.http.message import Request, Response


class SessionIn(Struct, forbid_unknown_fields=True):
    """A session to be created; everything can be left out."""

    session_id: NewSessionId | None = None
    system_prompt: Annotated[str | None, Meta(description="Becomes the first message")] = None
    agent: AgentName | None = None
    title: Title | None = None
    metadata: dict[str, Any] | None = None


class SessionPatchIn(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is null is removed, what is absent stays."""

    title: Title | UnsetType | None = UNSET
    archived: bool | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


class DeleteQuery(Struct):
    """How a session is deleted."""

    purge: Annotated[bool, Meta(description="true: for good, and not into the trash")] = False


class OriginOut(Struct):
    """Where a fork comes from."""

    session_id: str
    at: Seq


class SessionOut(Struct, omit_defaults=True):
    """A session's header: all of it but what was said."""

    session_id: str
    title: str | None
    archived: bool
    metadata: dict[str, Any]
    created_at: Timestamp
    last_activity: Timestamp
    message_count: int
    current_agent: str
    state: Annotated[
        Activity,
        Meta(description="running: somebody holds a turn; else waiting: an approval is pending"),
    ]
    version: Version
    durable_seq: DurableSeq
    forked_from: OriginOut | UnsetType = UNSET

    @classmethod
    def of(cls, summary: Summary) -> "SessionOut":
        origin = summary.forked_from
        return cls(
            session_id=summary.session_id,
            title=summary.title,
            archived=summary.archived,
            metadata=cast("dict[str, Any]", Raw(summary.metadata_json)),
            created_at=summary.created_at,
            last_activity=summary.last_activity,
            message_count=summary.message_count,
            current_agent=summary.current_agent,
            state=summary.activity,
            version=summary.version,
            durable_seq=summary.durable_seq,
            forked_from=UNSET if origin is None else OriginOut(origin.session_id, origin.at),
        )


async def create_session(resources: Resources, request: Request) -> Response:
    """Creates a session; without an id, under a new one."""
    wanted, prompt = await taken(resources, request, _creation)
    asked = written(resources, request)
    asked.check_absent(wanted.session_id or "")
    with write(repeatable=wanted.session_id is not None):
        summary = await resources.runtime.create_session(
            wanted.session_id,
            system_prompt=prompt,
            agent=DEFAULT_AGENT if wanted.agent is None else wanted.agent,
            title=wanted.title,
            metadata=wanted.metadata,
            durable=asked.durable,
        )
    location = f"{request.root}{request.path}/{segment(summary.session_id)}"
    return asked.answer(
        summary, SessionOut.of(summary), asked.status(201), (("Location", location),)
    )


async def get_session(resources: Resources, request: Request, session_id: str) -> Response:
    """A session's header: all of it but what was said."""
    summary = await resources.runtime.session(session_id, nowait=True).summary()
    if summary.is_passing:  # its tag stays the same when time makes it another one
        return json_answer(SessionOut.of(summary), headers=headers_of(summary))
    return answer(request, summary, lambda: SessionOut.of(summary))


async def patch_session(resources: Resources, request: Request, session_id: str) -> Response:
    """Changes title, archived flag and metadata (RFC 7396); it is no activity."""
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, SessionPatchIn)
    asked = written(resources, request)
    await asked.check_present(session)
    changed = {name: getattr(wanted, name) for name in SessionPatchIn.__struct_fields__}
    patch = {name: value for name, value in changed.items() if value is not UNSET}
    with write(repeatable=True):
        summary = await session.update(
            patch, durable=asked.durable, if_match=asked.if_match, turn=asked.turn
        )
    return asked.answer(summary, SessionOut.of(summary), asked.status(200))


async def delete_session(resources: Resources, request: Request, session_id: str) -> Response:
    """Puts a session into the trash, or, with `purge=true`, deletes it for good."""
    session = resources.runtime.session(session_id, nowait=True)
    purge = query(request, DeleteQuery).purge
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=True):
        await session.delete(
            purge=purge, durable=asked.durable, if_match=asked.if_match, turn=asked.turn
        )
    return Response(asked.status(204), b"", asked.headers)


ROUTES = (
    Route(
        "POST",
        "/sessions",
        create_session,
        {201: SessionOut, 202: SessionOut},
        body=SessionIn,
        problems=(409, 412),
    ),
    Route("GET", "/sessions/<session_id>", get_session, {200: SessionOut, 304: None}),
    Route(
        "PATCH",
        "/sessions/<session_id>",
        patch_session,
        {200: SessionOut, 202: SessionOut},
        body=SessionPatchIn,
        problems=(412,),
    ),
    Route(
        "DELETE",
        "/sessions/<session_id>",
        delete_session,
        {202: None, 204: None},
        query=DeleteQuery,
        problems=(412,),
    ),
)


def _creation(body: bytes) -> tuple[SessionIn, New | None]:
    """What the session is to be, and its first message."""
    if len(body) < LARGE:
        wanted = decode(body, SessionIn)
        prompt: Any = wanted.system_prompt
    else:
        found, _ = members(body, WHERE, SessionIn.__struct_fields__)
        text = found.pop("system_prompt", b"null")
        if text != b"null" and not text.startswith(b'"'):
            raise InvalidInput("system_prompt: must be text")
        prompt = None if text == b"null" else Raw(normal(text, "system_prompt")[0])
        wanted = decode(joined(found), SessionIn)
    return wanted, None if prompt is None else from_json({"role": "system", "content": prompt})
