"""What AG-UI asks for: a session as the events of a run. What is said there is in `web.ui.ag_ui`.

A run is what an agent, which is another program, does behind what was sent. Without anything to do
it is finished at once: so a run is also how an interface opens a session.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from attrs import frozen
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import (
    Apart,
    Entry,
    InvalidInput,
    Item,
    Resumed,
    Session,
    SessionNotFound,
    check_depth,
    from_json,
    read_as,
)
from web.api.messages import MAX_MESSAGES
from web.api.tails import drafted, size_of
from web.api.telling import Events, Interface, told
from web.api.under_way import kept_of
from web.call.body import taken
from web.call.parts import WHERE, elements, paced
from web.call.problems import write
from web.call.query import query
from web.call.rendering import begun, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.stream import HEADERS
from web.call.write import Write, written
from web.http.message import Request, Response
from web.ui.ag_ui.messages import Message, messages_of, reasoning_id
from web.ui.ag_ui.sent import MAX_ID, NAME, RECORDS, STATE, NoMessage, as_entry
from web.ui.ag_ui.telling import Telling

INPUT = f"{NAME}/input"
"""The record that has what else a run was asked with: tools of the interface, and its context."""

SNAPSHOT = 1_000
"""The newest so many messages, and no more, are in a snapshot."""

_READ = ("threadId", "runId", "messages", "state")


class AgUiMessageIn(Struct):
    """A message of AG-UI. What else it has is kept."""

    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    role: str


class RunIn(Struct, kw_only=True, rename="camel"):
    """What a run is asked with (`RunAgentInput`). Other members are kept for the agent."""

    thread_id: str | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    messages: Annotated[list[AgUiMessageIn], Meta(max_length=MAX_MESSAGES)] | UnsetType = UNSET
    state: Any = UNSET


class RunEventOut(Struct):
    """An event of AG-UI."""

    type: str


class FollowRunQuery(Struct):
    """For how long."""

    wait: Annotated[float, Meta(ge=0, le=60, description="Seconds for an agent to begin")] = 0


class RunQuery(Struct):
    """For how long."""

    wait: Annotated[float, Meta(ge=0, le=60, description="Seconds for an agent to begin")] = 30


@frozen(kw_only=True)
class _Sent:
    """What a run was asked with."""

    thread: str | None
    run: str | None
    items: Mapping[str, Item]
    """The entries of its messages, by their ids."""
    state: Any
    rest: dict[str, Any]


async def follow_run(resources: Resources, request: Request, session_id: str) -> Response:
    """A session as a run: its messages, then the answer that is being written, to its end.

    Where none is being written, the run is finished behind the messages.
    """
    wait = query(request, FollowRunQuery).wait
    session = resources.runtime.session(session_id, nowait=True)
    return await _run(resources, session, Telling(session_id, uuid4().hex), wait)


async def run(resources: Resources, request: Request, session_id: str) -> Response:
    """Keeps the messages that are new, each once by its id, and tells what an agent makes of them.

    The agent is another program: it follows the session, and writes drafts and messages. Without
    new messages this is how an interface connects again.
    """
    wait = query(request, RunQuery).wait
    session = resources.runtime.session(session_id, nowait=True)
    sent = await taken(resources, request, _sent)
    with write(repeatable=True):
        await _save(session, sent, written(resources, request).confirmed())
    teller = Telling(sent.thread or session_id, sent.run or uuid4().hex)
    return await _run(resources, session, teller, wait)


ROUTES = (
    Route(
        "GET",
        "/ag-ui/<session_id>",
        follow_run,
        {200: RunEventOut},
        query=FollowRunQuery,
        is_stream=True,
        has_names=False,
        outside="only",
    ),
    Route(
        "POST",
        "/ag-ui/<session_id>",
        run,
        {200: RunEventOut},
        body=RunIn,
        query=RunQuery,
        problems=(409, 412),
        is_stream=True,
        has_names=False,
        outside="only",
    ),
)


# -- what is told ---------------------------------------------------------------------------------


async def _run(resources: Resources, session: Session, teller: Telling, wait: float) -> Response:
    async def begin(resumed: Resumed, is_first: bool) -> tuple[int, Events]:
        size, messages = await _messages(session, resumed.version)
        if not is_first:
            return size, teller.snapshot(messages)
        return size, teller.begin(messages, await _state(session))

    def record(key: str, value: Any) -> Events:
        if key == STATE:
            yield teller.state(value)
        elif key.startswith(RECORDS):
            teller.needs_snapshot = True

    interface = Interface(
        teller=teller,
        begin=begin,
        is_stale=lambda: teller.needs_snapshot,
        records=f"{NAME}/",
        record=record,
    )
    resumed = await session.resume(last=1)
    body = told(resources, session, resumed, interface, last=1, patience=wait)
    return Response(200, await begun(body), HEADERS, is_endless=True)


async def _messages(session: Session, version: int) -> tuple[int, list[Message]]:
    """The newest messages, as they were at this version; and bytes of their text."""
    page = await session.log(
        last=SNAPSHOT,
        limit=SNAPSHOT,
        kinds=("message", "record"),
        key_prefix=RECORDS,
        counting=True,
    )
    entries = [entry for entry in page.entries if entry.seq <= version]
    size = size_of(entries)
    return size, await made(
        size, lambda: [one for entry in entries for one in _of_entry(entry)], transformed=size
    )


def _of_entry(entry: Entry) -> Iterator[Message]:
    if entry.kind == "message":
        yield from messages_of(kept_of(entry))
    elif isinstance(value := msgspec.json.decode(entry.body).get("value"), dict):
        yield value


async def _state(session: Session) -> Any:
    """The state that agent and interface share; `None`: there is none."""
    page = await session.records(keys=(STATE,))
    return page.records[0].decoded if page.records else None


# -- what is sent ---------------------------------------------------------------------------------


def _sent(body: bytes) -> _Sent:
    """Reads a body. Raises `InvalidInput`."""
    items: dict[str, Item] = {}
    said: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in Apart(body, WHERE).members():
        if name == "messages":
            texts = elements(value, name, MAX_MESSAGES)
            for place, text in enumerate(paced(texts, len(body))):
                where = f"messages[{place}]"
                message, item = _item(text, where)
                if items.setdefault(message["id"], item) is not item:
                    raise InvalidInput(f"{where}: id: is that of another message of this call")
            continue
        found, _ = read_as(value, str if name in ("threadId", "runId") else Any, name)
        check_depth(found, value, name, around=2)
        (said if name in _READ else rest)[name] = found
    return _Sent(
        thread=said.get("threadId"),
        run=said.get("runId"),
        items=items,
        state=said.get("state"),
        rest=rest,
    )


def _item(text: bytes, where: str) -> tuple[Message, Item]:
    found, _ = read_as(text, Any, where)
    check_depth(found, text, where, around=2)
    try:
        entry = as_entry(found)
    except NoMessage as error:
        raise InvalidInput(f"{where}: {error}") from None
    if entry.kind == "record":
        return found, Item(kind="record", key=entry.key, body=entry.body)
    new = from_json({**entry.body, "id": entry.key}, where)
    return found, Item(kind="message", key=new.key, new=new)


async def _save(session: Session, sent: _Sent, asked: Write) -> None:
    known: set[str] = set()
    state: Any = None
    try:
        version = (await session.summary()).version
        _, messages = await _messages(session, version)
        known = {str(message.get("id")) for message in messages}
        state = await _state(session)
        drafts = await drafted(session)
        known |= drafts | {reasoning_id(name) for name in drafts}
    except SessionNotFound:
        pass
    items = list(_items(sent, known, state))
    if items:
        await session.append_entries(
            *items, if_match=asked.if_match, if_absent=asked.if_absent, turn=asked.turn
        )


def _items(sent: _Sent, known: set[str], state: Any) -> Iterator[Item]:
    """What is new of it."""
    # Of a long session a snapshot has the newest messages: what is before them is known, too.
    ids = list(sent.items)
    first = next((place for place, name in enumerate(ids) if name in known), 0)
    fresh = [sent.items[name] for name in ids[first:] if name not in known]
    yield from fresh
    if sent.state not in (None, {}, state):
        yield Item(kind="record", key=STATE, body={"value": sent.state})
    if fresh and any(sent.rest.values()):
        yield Item(kind="record", key=INPUT, body={"value": sent.rest})
