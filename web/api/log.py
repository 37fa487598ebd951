"""The log: its entries in pages, and calls that append entries of several kinds in one step."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from quart import Blueprint, Request, Response

from runtime import (
    MAX_ENTRIES,
    InvalidInput,
    Item,
    KnownRecord,
    Runtime,
    Written,
    items_from_json,
)
from web.api.entries import kinds, shown_entry, union_of
from web.body import WHERE, apart, elements, paced, query, taken
from web.describe import describe
from web.endpoint import as_view
from web.messages import MessagesQuery, log_cursor
from web.preference import written
from web.problems import write
from web.schemas import (
    CallId,
    DurableSeq,
    LogCursor,
    Replaced,
    Seq,
    Version,
)
from web.sessions import cursor_of
from web.tags import large_answer

Expected = Annotated[
    dict[str, Annotated[int, Meta(ge=0)]],
    Meta(
        max_length=MAX_ENTRIES,
        description="Of records' keys: the number of the entry that each has to be, 0: none",
    ),
]


class LogQuery(MessagesQuery):
    """Which part of the log."""

    kind: Annotated[tuple[str, ...], Meta(description="Of these kinds; repeatable")] = ()
    key_prefix: Annotated[str, Meta(description="Of records, those whose keys begin so")] = ""
    counting: Annotated[bool, Meta(description="true: only what no rewind has taken back")] = False


class _Entry(Struct, forbid_unknown_fields=True):
    """An entry as a call asks for it, without its body: what that may be, its kind knows."""

    kind: str
    key: str | None = None


class _Call(Struct, forbid_unknown_fields=True):
    """A call without its entries."""

    id: str | None = None
    once: bool = False
    expect: Expected | None = None


class KnownOut(Struct):
    """A record that was there already."""

    key: str
    seq: Seq
    value: Any

    @classmethod
    def of(cls, known: KnownRecord) -> "KnownOut":
        return cls(known.key, known.seq, Raw(known.value))


class WrittenOut(Struct, omit_defaults=True):
    """Where the entries went."""

    session_id: str
    seqs: Annotated[list[Seq], Meta(description="The number of each entry, in their order")]
    version: Version
    durable_seq: DurableSeq
    applied: Annotated[int, Meta(ge=0, description="How many entries were appended")]
    known: (
        Annotated[list[KnownOut], Meta(description="With `once`: what was there already")]
        | UnsetType
    ) = UNSET
    replaced: Replaced | UnsetType = UNSET

    @classmethod
    def of(cls, written: Written, replaced: int) -> "WrittenOut":
        return cls(
            session_id=written.session_id,
            seqs=list(written.seqs),
            version=written.version,
            durable_seq=written.durable_seq,
            applied=written.applied,
            known=[KnownOut.of(known) for known in written.known] or UNSET,
            replaced=replaced or UNSET,
        )


def blueprint(runtime: Runtime) -> Blueprint:
    """The endpoints under `/sessions/<session_id>/log`."""
    api = Blueprint("log", __name__)
    # Made here, and not above: the kinds' files have all been found by now.
    known_kinds = kinds()
    page_out = msgspec.defstruct(
        "LogPageOut",
        [
            ("session_id", str),
            ("entries", list[union_of("ENTRIES")]),  # type: ignore[misc]
            ("durable_seq", DurableSeq),
            ("next_cursor", LogCursor | UnsetType, UNSET),
        ],
        namespace={"__doc__": "Some entries of a session's log, oldest first."},
        omit_defaults=True,
    )
    call_in = msgspec.defstruct(
        "LogIn",
        [
            (
                "entries",
                Annotated[
                    list[union_of("ENTRIES_IN")],  # type: ignore[misc]
                    Meta(min_length=1, max_length=MAX_ENTRIES),
                ],
            ),
            ("id", CallId | None, None),
            ("once", Annotated[bool, Meta(description="Skip records that are known")], False),
            ("expect", Expected | None, None),
        ],
        namespace={"__doc__": "Entries to append in order, all of them or none."},
        forbid_unknown_fields=True,
    )

    @api.get("/sessions/<session_id>/log")
    @as_view
    @describe({200: page_out, 304: None}, query=LogQuery, problems=(400, 404, 412))
    async def get_log(request: Request, session_id: str) -> Response:
        """The entries of a session's log, also those that a rewind has taken back.

        `next_cursor` is the next page's `after`; with `before` or `last`, which go backwards, its
        `before`.
        """
        part = query(request, LogQuery)
        if unknown := set(part.kind).difference(known_kinds):
            raise InvalidInput(f"kind: {sorted(unknown)[0]!r} is none of {', '.join(known_kinds)}")
        page = await runtime.session(session_id, nowait=True).log(
            after=cursor_of(part.after),
            before=part.before,
            last=part.last,
            limit=part.limit,
            kinds=frozenset(part.kind),
            key_prefix=part.key_prefix,
            counting=part.counting,
        )
        return await large_answer(
            request,
            page,
            sum(entry.size for entry in page.entries),
            lambda: page_out(
                session_id=page.session_id,
                entries=[shown_entry(entry) for entry in page.entries],
                durable_seq=page.durable_seq,
                next_cursor=log_cursor(page, backwards=part.backwards),
            ),
        )

    @api.post("/sessions/<session_id>/log")
    @as_view
    @describe(
        {200: WrittenOut, 201: WrittenOut, 202: WrittenOut},
        body=call_in,
        problems=(400, 404, 409, 412),
    )
    async def append_entries(request: Request, session_id: str) -> Response:
        """Appends messages, records, switches and rewinds in one step; the first one creates.

        200 instead of 201: all of it was there, and nothing changed.
        """
        session = runtime.session(session_id, nowait=True)
        call, items, replaced = await taken(request, _call)
        asked = written(request, runtime)
        # A record's key does not make it: each time is a new value.
        keyed = all(item.key and item.kind != "record" for item in items)
        with write(repeatable=call.id is not None or keyed):
            done = await session.append_entries(
                *items,
                id=call.id,
                once=call.once,
                expect=call.expect,
                durable=asked.durable,
                if_match=asked.conditions.if_match,
                if_absent=asked.conditions.if_absent,
            )
        status = asked.status(201) if done.applied else 200
        return asked.answer(done, WrittenOut.of(done, replaced), status)

    return api


def _call(body: bytes) -> tuple[_Call, list[Item], int]:
    """What is asked for, the entries that are to be appended, and the replaced surrogates."""
    call, content, replaced = apart(body, WHERE, _Call, "entries")
    texts = elements(content, "entries", MAX_ENTRIES)
    read: list[tuple[str, str | None, bytes]] = []
    for place, text in enumerate(paced(texts, len(body))):
        entry, inside, more = apart(text, f"entries[{place}]", _Entry, "body")
        read.append((entry.kind, entry.key, inside))
        replaced += more
    items, more = items_from_json(paced(read, len(body)))
    return call, items, replaced + more
