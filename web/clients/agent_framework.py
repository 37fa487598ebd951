"""AgentRuntimeHistoryProvider: the history of Microsoft's Agent Framework, kept by a service.

Rules:

- A message is one entry. What others understand is in it: role, text, calls of tools and their
  results. All of it, as the framework says it, is in the entry's metadata.
- A message with a `message_id` has it as its key, so it is kept once, however often it is saved.
  One without is a new message each time.
- A message that another program wrote, or that was redacted, is read as role and text; `lossy`, in
  its `additional_properties`, says what it had besides.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from agent_framework import HistoryProvider, Message
from agent_framework.exceptions import (
    IntegrationException,
    IntegrationInvalidAuthException,
    IntegrationInvalidRequestException,
)

from web.clients.calls.shapes import NewEntry
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import AccessRefused, AgentRuntimeError, Conflict, InvalidCall, TooLarge
from web.clients.names import key_of, session_id_of
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import is_redacted, plain
from web.clients.shared.waiting import in_thread

OURS = Framework("agent_framework")

LONGEST_ROLE = 64
"""Characters that a message's role may have."""


class AgentRuntimeHistoryProvider(HistoryProvider):
    """The framework's `HistoryProvider` over a service, or over a runtime in this process.

    Saving is one call, whatever the number of messages: all of them are on disk, or none. Reading
    is one for each 1,000. Raises the framework's `IntegrationException` with the service's words:
    `…InvalidAuthException` for a wrong token, `…InvalidRequestException` for what will be refused
    however often it is sent.
    """

    DEFAULT_SOURCE_ID = "agent_runtime"

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        runtime: Transport | None = None,
        source_id: str | None = None,
        load_messages: bool = True,
        store_inputs: bool = True,
        store_context_messages: bool = False,
        store_context_from: set[str] | None = None,
        store_outputs: bool = True,
    ) -> None:
        """`url`, `token`, `runtime`: as `AgentRuntimeClient` takes them; others: as the base has.

        Providers of one session that store different messages need a `source_id` each, and write
        into one conversation.
        """
        super().__init__(
            source_id or self.DEFAULT_SOURCE_ID,
            load_messages=load_messages,
            store_inputs=store_inputs,
            store_context_messages=store_context_messages,
            store_context_from=store_context_from,
            store_outputs=store_outputs,
        )
        with _told():
            self._client = AgentRuntimeClient(url, token=token, runtime=runtime)

    async def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def get_messages(
        self,
        session_id: str | None,
        *,
        state: dict[str, Any] | None = None,  # noqa: ARG002 -- nothing of ours is kept in it
        **kwargs: Any,  # noqa: ARG002
    ) -> list[Message]:
        """The messages of a session that count, oldest first; of an unknown session, none."""
        name = _named(session_id)
        return await in_thread(lambda: self._get(session_id_of(name)))

    async def save_messages(
        self,
        session_id: str | None,
        messages: Sequence[Message],
        *,
        state: dict[str, Any] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Appends messages, all of them or none; what is known by its `message_id` is left out."""
        name = _named(session_id)
        entries = list(map(_entry, messages))
        if entries:
            await in_thread(lambda: self._save(name, entries))

    def _get(self, session_id: str) -> list[Message]:
        with _told():
            items = OURS.items(self._client, session_id)
            return [_message(item) for item in items if item.message is not None]

    def _save(self, name: str, entries: Sequence[NewEntry]) -> None:
        session_id = session_id_of(name)
        with _told():
            if session_id != name:
                OURS.make(self._client, session_id, {"session_id": name})
            entries = _first_of_each(entries)
            try:
                OURS.append(self._client, session_id, entries)
            except Conflict:
                # One of them is known, and was changed since: what was said first stays.
                known = self._keys(session_id)
                if new := [entry for entry in entries if entry.get("key") not in known]:
                    OURS.append(self._client, session_id, new)

    def _keys(self, session_id: str) -> set[str]:
        found = self._client.iter_log(session_id, kinds=["message"], counting=True)
        return {entry["key"] for entry in found if "key" in entry}


def _first_of_each(entries: Sequence[NewEntry]) -> Sequence[NewEntry]:
    """Without those whose key an earlier one has."""
    seen: set[str] = set()
    kept = []
    for entry in entries:
        key = entry.get("key")
        if key is None or key not in seen:
            kept.append(entry)
        if key is not None:
            seen.add(key)
    return kept


def _entry(message: Message) -> NewEntry:
    # Through JSON and back: whoever gave the message may change it while it is sent.
    whole = json.loads(json.dumps(message.to_dict()))
    parts = [part for content in whole["contents"] if (part := _part(content)) is not None]
    # Text alone is said as text: it is what most others write, and read.
    is_text = all(part["type"] == "text" for part in parts)
    shown = {
        "role": message.role if 0 < len(message.role) <= LONGEST_ROLE else "assistant",
        "content": message.text if is_text else parts,
    }
    key = None if message.message_id is None else key_of(str(message.message_id))
    return OURS.message(shown, whole, key=key)


def _part(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """What others understand of a content; `None`: nothing."""
    if content["type"] == "text":
        return {"type": "text", "text": content.get("text", "")}
    call = {"call_id": content.get("call_id")}
    if content["type"] == "function_call":
        arguments = _as_text(content.get("arguments", {}))
        return {"type": "function_call", **call, "name": content["name"], "arguments": arguments}
    if content["type"] == "function_result":
        return {"type": "function_call_output", **call, "output": _as_text(content.get("result"))}
    return None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _message(item: Item) -> Message:
    assert item.message is not None
    if item.envelope is not None and not is_redacted(item.message):
        try:
            return Message.from_dict(item.envelope)
        except (AttributeError, KeyError, TypeError, ValueError):
            pass  # a redaction has put its marker where the framework expects something else
    said = plain(item.message)
    more = {"lossy": list(said.lossy)} if said.lossy else {}
    return Message(said.role, [said.text], additional_properties=more)


def _named(session_id: str | None) -> str:
    if not session_id:
        raise ValueError("A session's id is needed: without one, all would share a conversation.")
    return session_id


@contextmanager
def _told() -> Iterator[None]:
    """Raises the framework's own exceptions in place of ours."""
    try:
        yield
    except AccessRefused as error:
        raise IntegrationInvalidAuthException(str(error), error) from error
    except (InvalidCall, TooLarge, Conflict) as error:
        raise IntegrationInvalidRequestException(str(error), error) from error
    except AgentRuntimeError as error:
        raise IntegrationException(str(error), error) from error
