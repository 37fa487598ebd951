"""AgentRuntimeSession: the session of the OpenAI Agents SDK, kept by a service.

Rules:

- An item is one entry. What somebody says, calls, gets as a result or thinks is a message; all else
  is a record. An item that has no role gets one in the log, and not in what is read back.
- What is read back is what was added, with its members in the same order. So the entry's metadata
  has their names, and what cannot stand in the entry as it is.
- A message that another program wrote is read as `{role, content}` alone, with a role that models
  of OpenAI take: a tool's result without its call is none, so it is told as the assistant's words.
  `lossy` says what the message had besides.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from agents import AgentsException, SessionSettings, TResponseInputItem, UserError

from web.clients.calls.shapes import Message, NewEntry
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import AgentRuntimeError, ServiceUnavailable, ServiceUnreachable
from web.clients.names import session_id_of
from web.clients.shared.carrying import is_carried
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain
from web.clients.shared.waiting import in_thread

T = TypeVar("T")

FRAMEWORK = Framework("openai_agents")

_ROLES = {
    **{role: role for role in ("user", "assistant", "system", "developer")},
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
}
"""Of others' messages, as items have them."""

LONGEST_ROLE = 64
"""Characters that a message's role may have."""


class AgentRuntimeSession:
    """Implements the SDK's `Session`. Used by any number of tasks and threads at one time.

    Adding costs one call, however many items; reading one for each 1,000; `pop_item` two. What was
    added is on disk. Raises the SDK's `UserError` for what the caller has to change (a wrong token,
    an item that is too large) and `AgentsException` for a service that is away: of the items of one
    call, all were added, or none.
    """

    session_settings: SessionSettings | None

    def __init__(
        self,
        session_id: str,
        *,
        url: str | None = None,
        token: str | None = None,
        runtime: Transport | None = None,
        session_settings: SessionSettings | Mapping[str, Any] | None = None,
    ) -> None:
        """`session_id`: whoever uses the same one shares the session, whatever the framework.

        `url`, `token`, `runtime`: as `AgentRuntimeClient` takes them.
        """
        self.session_id = session_id
        if not isinstance(session_settings, SessionSettings):
            given = None if session_settings is None else dict(session_settings)
            session_settings = SessionSettings().resolve(given)
        self.session_settings = session_settings
        self.lossy: Mapping[int, Sequence[str]] = {}
        """Of the messages of others that were last read, by their numbers: members that an item
        `{role, content}` does not have."""
        with _told():
            self._client = AgentRuntimeClient(url, token=token, runtime=runtime)
        self._id = session_id_of(session_id)
        self._is_named = self._id == session_id
        self._is_closed = False

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items, oldest first. `limit`: only so many of the newest; of a negative one, all.

        Without a limit, `session_settings` has one.
        """
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        return await self._done(lambda: self._get(limit))

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Appends items, all of them or none."""
        # As they are now: whoever gave them may change them while they are sent.
        entries = [_entry(json.loads(json.dumps(item))) for item in items]
        await self._done(lambda: self._add(entries))

    async def pop_item(self) -> TResponseInputItem | None:
        """Takes the newest item back, and what is not an item behind it; `None`: there is none.

        It is a rewind, which can be undone.
        """
        found = await self._done(lambda: FRAMEWORK.pop(self._client, self._id))
        return None if found is None else _item(found)[0]

    async def clear_session(self) -> None:
        """Takes all items back. It is a rewind, which can be undone."""
        await self._done(lambda: FRAMEWORK.clear(self._client, self._id))

    def close(self) -> None:
        """Closes the connections, after which nothing can be called. Nothing is lost without."""
        self._is_closed = True
        self._client.close()

    async def _done(self, work: Callable[[], T]) -> T:
        if self._is_closed:
            raise RuntimeError("The session is closed")
        with _told():
            return await in_thread(work)

    def _get(self, limit: int | None) -> list[TResponseInputItem]:
        found: Iterator[Item] | Sequence[Item]
        if limit is None or limit < 0:
            found = FRAMEWORK.items(self._client, self._id)
        else:
            found = FRAMEWORK.last_items(self._client, self._id, limit)
        items, lossy = [], {}
        for one in found:
            item, lost = _item(one)
            items.append(item)
            if lost:
                lossy[one.seq] = lost
        self.lossy = lossy
        return items

    def _add(self, entries: Sequence[NewEntry]) -> None:
        if not entries:
            return
        if not self._is_named:
            FRAMEWORK.make(self._client, self._id, {"session_id": self.session_id})
            self._is_named = True
        self._client.append_entries(self._id, entries)


def _entry(item: Any) -> NewEntry:
    """An item as an entry. `item` is as JSON reads it."""
    role = _role(item)
    if role is None:
        return FRAMEWORK.record(item)
    # Metadata of its own stands where nobody else's is.
    shown: Message = {"role": role, **{n: v for n, v in item.items() if n != "metadata"}}
    envelope: Any = {"members": list(item)}
    if not is_carried(item):
        envelope = {"item": item}
    elif "metadata" in item:
        envelope["metadata"] = item["metadata"]
    return FRAMEWORK.message(shown, envelope)


def _item(found: Item) -> tuple[TResponseInputItem, Sequence[str]]:
    """What was added, and what it lacks of another's message."""
    message, envelope = found.message, found.envelope
    if message is None:
        return cast(TResponseInputItem, envelope), ()
    if isinstance(envelope, dict) and "item" in envelope:
        return cast(TResponseInputItem, envelope["item"]), ()
    if isinstance(envelope, dict) and "members" in envelope:
        known = {**message, "metadata": envelope.get("metadata")}
        return cast(TResponseInputItem, {name: known[name] for name in envelope["members"]}), ()
    said = plain(message)
    role = _ROLES.get(said.role.lower())
    item = {"role": role or "assistant", "content": said.text}
    return cast(TResponseInputItem, item), said.lossy if role else ["role", *said.lossy]


def _role(item: Any) -> str | None:
    """Of an item as a message; `None`: it is none."""
    if not isinstance(item, dict):
        return None
    if "role" in item:
        role = item["role"]
        fits = isinstance(role, str) and 0 < len(role) <= LONGEST_ROLE and is_carried(role)
        return role if fits else None
    type_ = item.get("type")
    if not isinstance(type_, str):
        return None
    if type_.endswith("_output"):
        return "tool"
    # Without its reasoning, a model does not take a call back: so both are in contexts.
    return "assistant" if type_.endswith("_call") or type_ == "reasoning" else None


@contextmanager
def _told() -> Iterator[None]:
    """Errors of ours as the SDK's own, by whose fault it is."""
    try:
        yield
    except AgentRuntimeError as error:
        is_ours = isinstance(error, ServiceUnreachable | ServiceUnavailable)
        raise (AgentsException if is_ours else UserError)(str(error)) from error
