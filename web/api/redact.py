"""Redaction: a value of an entry gives way to a marker."""

from typing import Annotated

from msgspec import Meta, Struct

from runtime import Redacted
from web.call.body import read
from web.call.problems import write
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import CallId, DurableSeq, Seq, SessionId, TrashId, Version
from web.call.write import written
from web.http.message import Request, Response


class RedactIn(Struct, forbid_unknown_fields=True):
    """What is to be gone."""

    seq: Seq
    pointer: Annotated[
        str,
        Meta(
            description="A JSON Pointer (RFC 6901) into the entry's body, as the log shows it: "
            "`/content/0/text`, `/value/password`. All that may go, if absent or empty",
        ),
    ] = ""
    id: Annotated[CallId, Meta(description="Not needed: done again, it has one effect")] | None = (
        None
    )


class CopyOut(Struct, omit_defaults=True):
    """A session that still has the value, in its own entry of this number."""

    session_id: SessionId
    trash_id: Annotated[TrashId, Meta(description="Where it lies in the trash")] | None = None


class RedactOut(Struct):
    """The session, in which the value is no more."""

    session_id: SessionId
    seq: Seq
    version: Version
    durable_seq: DurableSeq
    traces: Annotated[
        list[str],
        Meta(
            description="Files beside the database that may still have the value, as far as it is "
            "known: backups and older copies of it, and its WAL while somebody reads it"
        ),
    ]
    copies: Annotated[
        list[CopyOut],
        Meta(
            description="Forks, imports under another id, and what lies in the trash: each has an "
            "entry of its own, and is to be redacted, or purged, too"
        ),
    ]

    @classmethod
    def of(cls, done: Redacted) -> "RedactOut":
        return cls(
            done.session_id,
            done.seq,
            done.version,
            done.durable_seq,
            list(done.traces),
            [CopyOut(copy.session_id, copy.trash_id) for copy in done.copies],
        )


async def redact(resources: Resources, request: Request, session_id: str) -> Response:
    """Puts the text `[redacted]` in the place of a value of an entry, wherever it is kept.

    The ETags and cursors from that entry on are of no use any more: streams get `reset`. The
    answer always waits for the disk. The same call again is 200, and scrubs the files again.
    """
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, RedactIn)
    asked = written(resources, request).confirmed()
    await asked.check_present(session)
    with write(repeatable=True):
        done = await session.redact(
            wanted.seq, wanted.pointer, if_match=asked.if_match, turn=asked.turn
        )
    return asked.answer(done, RedactOut.of(done), 200)


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/redact",
        redact,
        {200: RedactOut},
        body=RedactIn,
        problems=(412,),
    ),
)
