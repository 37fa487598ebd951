"""Records: values under keys, in which frameworks keep their state."""

from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import (
    MAX_ENTRIES,
    MAX_RECORD_KEY,
    InvalidInput,
    New,
    Record,
    RecordPage,
    put_from_json,
)
from web.api.entries import EntryIn, EntryOut
from web.api.log import Expected, WrittenOut
from web.call.body import let_go, taken
from web.call.parts import WHERE, apart, elements, paced
from web.call.problems import write
from web.call.query import from_cursor, query, to_cursor
from web.call.rendering import HERE, encode, filled
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import large_answer
from web.call.types import DEFAULT_LIMIT, CallId, Cursor, Limit, Seq
from web.call.write import written
from web.http.message import Request, Response

RecordKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_RECORD_KEY,
        description=f"Any text without U+0000, to {MAX_RECORD_KEY} bytes of UTF-8",
        extra_json_schema={"pattern": "^[^\\u0000]+$"},
    ),
]


class RecordEntry(EntryOut, tag="record", kw_only=True):
    """A key's value from here on, `{value}`; or, `{removed: true}`, that it has none.

    `{dropped}`: it was superseded for long, and its value was cleaned up.
    """

    key: RecordKey
    body: dict[str, Any]


class RecordEntryIn(EntryIn, tag="record", kw_only=True):
    """A value for a key, `{value}`, or `{removed: true}`."""

    key: RecordKey
    body: dict[str, Any]


ENTRIES = (RecordEntry,)
ENTRIES_IN = (RecordEntryIn,)


class PutIn(Struct, forbid_unknown_fields=True):
    """A key, and the value that it is to have."""

    key: RecordKey
    value: Any


class RecordsIn(Struct, forbid_unknown_fields=True):
    """What is to be changed, all of it or nothing."""

    put: Annotated[list[PutIn], Meta(max_length=MAX_ENTRIES)] = []
    remove: Annotated[list[RecordKey], Meta(max_length=MAX_ENTRIES)] = []
    remove_prefix: Annotated[list[RecordKey], Meta(max_length=MAX_ENTRIES)] = []
    once: Annotated[bool, Meta(description="Skip the keys that are known")] = False
    expect: Expected | None = None
    id: CallId | None = None

    def __post_init__(self) -> None:
        if not (self.put or self.remove or self.remove_prefix):
            raise ValueError("put, remove or remove_prefix is needed")


class _Put(Struct, forbid_unknown_fields=True):
    """A `PutIn` without its value."""

    key: RecordKey


class _Call(Struct, forbid_unknown_fields=True):
    """A call without what it puts."""

    remove: Annotated[list[RecordKey], Meta(max_length=MAX_ENTRIES)] = []
    remove_prefix: Annotated[list[RecordKey], Meta(max_length=MAX_ENTRIES)] = []
    once: bool = False
    expect: Expected | None = None
    id: str | None = None


class RecordsQuery(Struct):
    """Which records."""

    key: Annotated[tuple[str, ...], Meta(description="These keys; repeatable")] = ()
    prefix: Annotated[tuple[str, ...], Meta(description="Keys that begin so; repeatable")] = ()
    start: Annotated[str, Meta(description="From this key on")] | None = None
    end: Annotated[str, Meta(description="Up to, but not including, this key")] | None = None
    reverse: Annotated[bool, Meta(description="The last key first")] = False
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class RecordOut(Struct):
    """A key's present value, and the number of the entry that gave it."""

    key: str
    value: Any
    seq: Seq


class RecordPageOut(Struct, omit_defaults=True):
    """Records, in the order of the UTF-8 bytes of their keys."""

    records: list[RecordOut]
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def around(cls, page: RecordPage) -> "RecordPageOut":
        """All but the records."""
        after = UNSET if page.next is None else to_cursor([page.next])
        return cls(cast("list[RecordOut]", [HERE]), after)


def _shown(record: Record) -> bytes:
    return encode(RecordOut(record.key, Raw(record.value), record.seq))


async def get_records(resources: Resources, request: Request, session_id: str) -> Response:
    """Records by their keys: some, those with a prefix, or a range."""
    part = query(request, RecordsQuery)
    after = None if part.cursor is None else from_cursor(part.cursor, tuple[str])[0]
    page = await resources.runtime.session(session_id, nowait=True).records(
        keys=part.key,
        prefixes=part.prefix,
        start=part.start,
        end=part.end,
        reverse=part.reverse,
        limit=part.limit,
        after=after,
    )
    size = sum(len(record.value) for record in page.records)
    return await large_answer(
        request, page, size, lambda: filled(RecordPageOut.around(page), map(_shown, page.records))
    )


async def put_records(resources: Resources, request: Request, session_id: str) -> Response:
    """Gives keys values, and removes others, in one step; the first one creates the session.

    200 instead of 201: all of it was so already, and nothing changed.
    """
    session = resources.runtime.session(session_id, nowait=True)
    call, put, replaced = await taken(resources, request, _call)
    asked = written(resources, request)
    with write(repeatable=call.id is not None):
        done = await session.put_records(
            put,
            remove=call.remove,
            remove_prefix=call.remove_prefix,
            id=call.id,
            once=call.once,
            expect=call.expect,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
            if_absent=asked.if_absent,
        )
    await let_go(put)
    status = asked.status(201) if done.applied else 200
    return asked.answer(done, WrittenOut.of(done, replaced), status)


ROUTES = (
    Route(
        "GET",
        "/sessions/<session_id>/records",
        get_records,
        {200: RecordPageOut, 304: None},
        query=RecordsQuery,
    ),
    Route(
        "POST",
        "/sessions/<session_id>/records",
        put_records,
        {200: WrittenOut, 201: WrittenOut, 202: WrittenOut},
        body=RecordsIn,
        problems=(409, 412),
    ),
)


def _call(body: bytes) -> tuple[_Call, list[New], int]:
    """What is asked for, the entries that give keys values, and the replaced surrogates."""
    call, content, replaced = apart(body, WHERE, _Call, "put", b"[]")
    made: dict[str, New] = {}
    texts = elements(content, "put", MAX_ENTRIES)
    for place, text in enumerate(paced(texts, len(body))):
        put, value, more = apart(text, f"put[{place}]", _Put, "value")
        if put.key in made:
            raise InvalidInput(f"put[{place}]: key {put.key!r} is there twice")
        made[put.key], inside = put_from_json(put.key, value)
        replaced += more + inside
    return call, list(made.values()), replaced
