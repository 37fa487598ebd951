"""The log: its entries in pages, and calls that append entries of several kinds in one step."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import (
    KINDS,
    MAX_ENTRIES,
    InvalidInput,
    Item,
    KnownRecord,
    LogPage,
    Written,
    items_from_json,
)
from web.api.entries import shown_entry, union_of
from web.api.messages import MessagesQuery, cursor_of, log_cursor
from web.call.body import let_go, taken
from web.call.parts import WHERE, apart, elements, paced
from web.call.problems import write
from web.call.query import query
from web.call.rendering import HERE, filled
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import large_answer
from web.call.types import CallId, DurableSeq, LogCursor, Replaced, Seq, Version
from web.call.write import written
from web.http.message import Request, Response

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


class LogPageOut(Struct, omit_defaults=True):
    """Some entries of a session's log, oldest first."""

    session_id: str
    entries: list[Raw]
    durable_seq: DurableSeq
    next_cursor: LogCursor | UnsetType = UNSET

    @classmethod
    def around(cls, page: LogPage, *, backwards: bool) -> "LogPageOut":
        """All but the entries."""
        return cls(
            session_id=page.session_id,
            entries=[HERE],
            durable_seq=page.durable_seq,
            next_cursor=log_cursor(page, backwards=backwards),
        )


def log_page_out() -> type[Struct]:
    """The same, with the entries of all kinds."""
    return msgspec.defstruct(
        "LogPageOut",
        [
            ("session_id", str),
            ("entries", list[union_of("ENTRIES")]),  # type: ignore[misc]
            ("durable_seq", DurableSeq),
            ("next_cursor", LogCursor | UnsetType, UNSET),
        ],
        namespace={"__doc__": LogPageOut.__doc__},
        omit_defaults=True,
    )


def log_in() -> type[Struct]:
    """A call that appends entries of all kinds; those are read by their kinds, one by one."""
    entries: Any = list[union_of("ENTRIES_IN")]  # type: ignore[misc]
    some = Meta(min_length=1, max_length=MAX_ENTRIES)
    return msgspec.defstruct(
        "LogIn",
        [
            ("entries", Annotated[entries, some]),
            ("id", CallId | None, None),
            ("once", Annotated[bool, Meta(description="Skip records that are known")], False),
            ("expect", Expected | None, None),
        ],
        namespace={"__doc__": "Entries to append in order, all of them or none."},
        forbid_unknown_fields=True,
    )


async def get_log(resources: Resources, request: Request, session_id: str) -> Response:
    """The entries of a session's log, also those that a rewind has taken back.

    `next_cursor` is the next page's `after`; with `before` or `last`, which go backwards, its
    `before`.
    """
    part = query(request, LogQuery)
    if unknown := set(part.kind).difference(KINDS):
        known = ", ".join(sorted(KINDS))
        raise InvalidInput(f"kind: {sorted(unknown)[0]!r} is none of {known}")
    page = await resources.runtime.session(session_id, nowait=True).log(
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
        lambda: filled(
            LogPageOut.around(page, backwards=part.backwards), map(shown_entry, page.entries)
        ),
    )


async def append_entries(resources: Resources, request: Request, session_id: str) -> Response:
    """Appends messages, records, switches and rewinds in one step; the first one creates.

    200 instead of 201: all of it was there, and nothing changed.
    """
    session = resources.runtime.session(session_id, nowait=True)
    call, items, replaced = await taken(resources, request, _call)
    asked = written(resources, request)
    # A record's key does not make it: each time is a new value.
    keyed = all(item.key and item.kind != "record" for item in items)
    with write(repeatable=call.id is not None or keyed):
        done = await session.append_entries(
            *items,
            id=call.id,
            once=call.once,
            expect=call.expect,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
            if_absent=asked.if_absent,
        )
    await let_go(items)
    status = asked.status(201) if done.applied else 200
    return asked.answer(done, WrittenOut.of(done, replaced), status)


ROUTES = (
    Route(
        "GET",
        "/sessions/<session_id>/log",
        get_log,
        {200: log_page_out, 304: None},
        query=LogQuery,
        problems=(412,),
    ),
    Route(
        "POST",
        "/sessions/<session_id>/log",
        append_entries,
        {200: WrittenOut, 201: WrittenOut, 202: WrittenOut},
        body=log_in,
        problems=(409, 412),
    ),
)


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
