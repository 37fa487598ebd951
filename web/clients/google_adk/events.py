"""An event as an entry of a log, and back."""

from datetime import datetime
from typing import Any

from google.adk.errors.input_validation_error import InputValidationError
from google.adk.events.event import Event
from google.adk.sessions import State
from google.genai.types import Content, Part
from pydantic import ValidationError

from web.clients.calls.shapes import NewEntry
from web.clients.google_adk.places import NAME
from web.clients.names import key_of
from web.clients.shared.carrying import is_carried
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain

OURS = Framework(NAME)

_OTHER_ROLES = {"model": "assistant"}

_LONGEST_ROLE = 64
"""Characters, as the service takes them."""


def dumped(event: Event) -> dict[str, Any]:
    """An event as JSON has it, without what is for this invocation only.

    Raises `InputValidationError` for what ADK itself cannot say in JSON.
    """
    try:
        # By alias, as Gemini's own API writes parts: contexts know a `functionCall` for what it is.
        found: dict[str, Any] = event.model_dump(mode="json", by_alias=True, exclude_none=True)
    except ValueError as error:
        raise InputValidationError(f"The event cannot be said in JSON: {error}") from error
    actions = found["actions"]
    actions["stateDelta"] = {
        name: value
        for name, value in actions.get("stateDelta", {}).items()
        if not name.startswith(State.TEMP_PREFIX)
    }
    return found


def entry_of(event: dict[str, Any]) -> NewEntry:
    """The entry for a dumped event: a message if it has parts, else a record."""
    content = event.get("content", {})
    parts = content.get("parts")
    if not parts:
        return OURS.record(event, name=key_of(event["id"]))
    # The parts are said once, unless what is shown of them is not all of them.
    rest = {**event, "content": {n: v for n, v in content.items() if n != "parts"}}
    return OURS.message(
        {"role": _role(event), "parts": parts}, rest if is_carried(parts) else event
    )


def event_of(item: Item) -> Event | None:
    """The event that was appended; of another program's message, one that tells what it said.

    `None`: so much of a record was redacted that no event is left.
    """
    if item.envelope is None:
        return _told(item)
    found = item.envelope
    if item.message is not None:
        shown = {"parts": item.message.get("parts")}
        found = {**found, "content": {**shown, **found.get("content", {})}}
    try:
        return Event.model_validate(found)
    except ValidationError:
        # A redaction has put its marker where the framework expects something else.
        return None if item.message is None else _told(item)


def _role(event: dict[str, Any]) -> str:
    usual = "user" if event["author"] == "user" else "assistant"
    role: str = event["content"].get("role") or usual
    return _OTHER_ROLES.get(role, role) if len(role) <= _LONGEST_ROLE else usual


def _told(item: Item) -> Event:
    assert item.message is not None
    said = plain(item.message)
    name = f"log-{item.seq}"  # the same whenever it is read
    return Event(
        id=name,
        invocation_id=name,
        author=said.role,
        timestamp=datetime.fromisoformat(item.at).timestamp(),
        content=Content(
            role="model" if said.role == "assistant" else "user", parts=[Part(text=said.text)]
        ),
        custom_metadata={"lossy": list(said.lossy)} if said.lossy else None,
    )
