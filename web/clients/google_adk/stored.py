"""What is read and written, each step once, by whoever waits.

Rules:

- An event, the session's own state and its mark are one call: all of it is there, or nothing.
- What an app or a user shares is written after the event, into sessions of their own. Where the
  service dies in between, the event is there and that is not. The same event appended again brings
  the rest.
- Each write has the event's id. Sent again, it has one effect, also where something newer was
  written meanwhile.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any
from uuid import uuid4

from attrs import frozen
from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.input_validation_error import InputValidationError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.sessions.base_session_service import GetSessionConfig
from pydantic_core import to_jsonable_python

from web.clients.calls.shapes import NewEntry, NewRecord, Record, Written
from web.clients.calls.terms import Terms
from web.clients.client import AgentRuntimeClient
from web.clients.errors import Conflict, InvalidCall, NotFound, PreconditionFailed, TooLarge
from web.clients.google_adk.events import OURS, dumped, entry_of, event_of
from web.clients.google_adk.places import Place
from web.clients.google_adk.state import MARK, Delta, mark, records_of, state_of, whole
from web.clients.names import key_of


@frozen
class Kept:
    """A session as it is in the service."""

    state: dict[str, Any]
    events: list[Event]
    changed: float
    """Seconds since 1970."""
    seen: int
    """The number of its mark; 0: another program began it, and it has none."""


def created(client: AgentRuntimeClient, place: Place, state: Mapping[str, Any], now: float) -> Kept:
    """Makes a session. 4 calls, and 1 for each kind of state that is shared."""
    try:
        # What JSON has no word for is told as text, as ADK's own stores do it.
        delta = Delta.of(to_jsonable_python(state, serialize_unknown=True))
    except ValueError as error:
        raise InputValidationError(f"The state cannot be said in JSON: {error}") from error
    entries = [_entry(mark(now)), *map(_entry, records_of(delta.own))]
    call = uuid4().hex
    try:
        written = _taken(client, place.session_id, entries, call, terms=Terms(if_absent=True))
    except PreconditionFailed as error:
        raise AlreadyExistsError(
            f"Session with id {place.id} already exists: get it, or create one with another id."
        ) from error
    client.patch_session(place.session_id, {"metadata": place.metadata})
    _share(client, place, delta, call)
    return Kept(whole(*_shared(client, place), delta.own), [], now, written["seqs"][0])


def found(client: AgentRuntimeClient, place: Place, config: GetSessionConfig) -> Kept | None:
    """Reads a session. 4 calls, and 1 for each 1,000 events beyond the first."""
    # The mark before the events: what comes in between makes its reader stale, and never unaware.
    try:
        own = list(client.iter_records(place.session_id, prefixes=[MARK]))
    except NotFound:
        return None
    events = _events(client, place, config)
    marks = [record for record in own if record["key"] == MARK]
    return Kept(
        state=whole(*_shared(client, place), state_of(own)),
        events=events,
        changed=marks[0]["value"] if marks else events[-1].timestamp if events else 0.0,
        seen=marks[0]["seq"] if marks else 0,
    )


def mark_of(client: AgentRuntimeClient, place: Place) -> Record | None:
    """The mark alone. 1 call. Raises `SessionNotFoundError`."""
    try:
        marks = client.first_records(place.session_id, keys=[MARK])
    except NotFound as error:
        raise _missing(place) from error
    return marks[0] if marks else None


def appended(client: AgentRuntimeClient, place: Place, event: Event, seen: int) -> Written:
    """Writes an event. 1 call, and 1 for each kind of state that is shared and changes.

    One that rewinds: 1 more for each 1,000 events. It is a rewind of the log as well, so that all
    who read the session agree on what counts.

    `seen`: the number of the mark that the session has to have. The answer's last number is the new
    one's. Raises `StaleSessionError`, `SessionNotFoundError`, `AlreadyExistsError`,
    `InputValidationError`.
    """
    said = dumped(event)
    delta = Delta.of(said["actions"]["stateDelta"])
    entries = [
        *_rewind(client, place, event.actions.rewind_before_invocation_id),
        entry_of(said),
        *map(_entry, records_of(delta.own)),
        _entry(mark(event.timestamp)),
    ]
    call = key_of(event.id)
    try:
        written = _taken(
            client, place.session_id, entries, call, expect={MARK: seen}, terms=Terms(if_match="*")
        )
    except PreconditionFailed as error:
        mark_of(client, place)
        raise StaleSessionError(
            "The session has been modified in storage since it was loaded. "
            "Please reload the session before appending more events."
        ) from error
    except Conflict as error:
        raise AlreadyExistsError(
            f"Another event with the id {event.id} is in the session: give this one an id of its "
            f"own. ({error.detail})"
        ) from error
    _share(client, place, delta, call)
    return written


def user_state(client: AgentRuntimeClient, place: Place) -> dict[str, Any]:
    """What a user's sessions share. 1 call."""
    return _state(client, place.user_state_id)


def _events(client: AgentRuntimeClient, place: Place, config: GetSessionConfig) -> list[Event]:
    last, after = config.num_recent_events, config.after_timestamp
    if last == 0:
        return []
    events: list[Event] = []
    for item in islice(OURS.newest_items(client, place.session_id, limit=last), last):
        event = event_of(item)
        if event is None:
            continue
        if after is not None and event.timestamp < after:
            break
        events.append(event)
    return events[::-1]


def _rewind(client: AgentRuntimeClient, place: Place, invocation: str | None) -> list[NewEntry]:
    if invocation is None:
        return []
    for item in OURS.items(client, place.session_id):
        event = event_of(item)
        if event is not None and event.invocation_id == invocation:
            return [{"kind": "rewind", "body": {"to": item.seq - 1}}]
    return []


def _shared(client: AgentRuntimeClient, place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    return _state(client, place.app_state_id), user_state(client, place)


def _state(client: AgentRuntimeClient, session_id: str) -> dict[str, Any]:
    try:
        return state_of(client.iter_records(session_id, prefixes=[MARK]))
    except NotFound:
        return {}


def _share(client: AgentRuntimeClient, place: Place, delta: Delta, call: str) -> None:
    for session_id, state in ((place.app_state_id, delta.app), (place.user_state_id, delta.user)):
        if state:
            _taken(client, session_id, [_entry(record) for record in records_of(state)], call)


def _taken(
    client: AgentRuntimeClient,
    session_id: str,
    entries: list[NewEntry],
    call: str,
    **more: Any,
) -> Written:
    try:
        return OURS.append(client, session_id, entries, id=call, **more)
    except (TooLarge, InvalidCall) as error:
        raise InputValidationError(error.detail) from error


def _entry(record: NewRecord) -> NewEntry:
    return {"kind": "record", "key": record["key"], "body": {"value": record["value"]}}


def _missing(place: Place) -> SessionNotFoundError:
    return SessionNotFoundError(f"Session {place.id} not found: create it first.")
