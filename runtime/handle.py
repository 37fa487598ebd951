"""The handle on one session: what an embedding program, or the web layer, holds and calls."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from runtime.actors.commands import (
    Append,
    Command,
    Create,
    Delete,
    GetAgentContext,
    GetHistory,
    GetMessages,
    GetSummary,
    PatchMetadata,
    SwitchAgent,
)
from runtime.actors.directory import Directory
from runtime.errors import InvalidInput
from runtime.saving.persister import Persister
from runtime.session.message import Message, check_tree, encode_json, encode_object
from runtime.session.replies import AgentContext, Appended, History, MessagePage, Summary
from runtime.store import DEFAULT_AGENT

R = TypeVar("R")
W = TypeVar("W", Appended, AgentContext, Summary)

SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@~-]{0,127}")
"""What a session id looks like: safe in a URL, a file name, a log line and a shell."""

AGENT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:@~-]{0,127}")


def _valid_id(_handle: object, _attribute: object, session_id: str) -> None:
    if not SESSION_ID.fullmatch(session_id):
        raise InvalidInput(
            "session id: must be 1 to 128 of the characters A-Z a-z 0-9 . _ : @ ~ - "
            "and begin with a letter or digit"
        )


@frozen(eq=False, kw_only=True)
class Session:
    """A handle on one session. Getting one costs nothing: it neither loads nor creates.

    Every method may also raise `StoreError`, `RuntimeClosed`, `SessionCrashed` for a bug, and
    `MailboxFull` if the handle was got with `nowait`. A write that raises `StoreError` is
    *unknown*: it stays in memory and is tried again; sending it again with the same ids is safe.
    Writes raise `StoreBehind` while too much waits for the store.

    `durable=True` returns when the write is on disk, `durable=False` at once; `None` does as the
    runtime is configured.
    """

    id: str = field(validator=_valid_id)
    _directory: Directory
    _persister: Persister
    _timestamp: Callable[[], str]
    _durable: bool
    _nowait: bool

    async def append(
        self, *messages: Message, durable: bool | None = None, create: bool = True
    ) -> Appended:
        """Appends messages, all or none of them; the first message creates the session.

        A message sent before with the same `id` has no effect and gets the first answer. Raises
        `InvalidInput`, `MessageConflict`, and `SessionNotFound` if there is no such session and
        `create` is false.
        """
        at = self._timestamp()
        entries = tuple(message.encode(at) for message in messages)
        return await self._write(Append(entries, create, at), durable)

    async def create(
        self,
        *messages: Message,
        agent: str = DEFAULT_AGENT,
        metadata: Mapping[str, Any] | None = None,
        durable: bool | None = None,
    ) -> Summary:
        """Creates the session. Raises `SessionExists`, `InvalidInput`."""
        at = self._timestamp()
        entries = tuple(message.encode(at) for message in messages)
        command = Create(entries, _agent(agent), encode_object(metadata or {}, "metadata"), at)
        return await self._write(command, durable)

    async def history(self) -> History:
        """The whole conversation. Raises `SessionNotFound`."""
        return await self._read(GetHistory())

    async def messages(self, *, after: int = 0, limit: int = 1_000) -> MessagePage:
        """At most `limit` messages with numbers above `after`.

        Raises `SessionNotFound`, `InvalidInput`.
        """
        if after < 0 or limit < 1:
            raise InvalidInput("after: must be 0 or more; limit: must be 1 or more")
        return await self._read(GetMessages(after, limit))

    async def switch_agent(
        self, agent: str, *, reason: str = "", durable: bool | None = None
    ) -> AgentContext:
        """Makes `agent` the current one. Raises `SessionNotFound`, `InvalidInput`."""
        encode_json(reason, "reason")
        return await self._write(SwitchAgent(_agent(agent), reason, self._timestamp()), durable)

    async def agent_context(self) -> AgentContext:
        """The current agent and those before it. Raises `SessionNotFound`."""
        return await self._read(GetAgentContext())

    async def update_metadata(
        self, patch: Mapping[str, Any], *, durable: bool | None = None
    ) -> Summary:
        """Merges `patch` into the session's metadata (RFC 7396): null removes a member.

        Raises `SessionNotFound`, `InvalidInput`.
        """
        check_tree(patch, "metadata")
        return await self._write(PatchMetadata(patch, self._timestamp()), durable)

    async def summary(self) -> Summary:
        """The session without its messages. Raises `SessionNotFound`."""
        return await self._read(GetSummary())

    async def delete(self, *, durable: bool | None = None) -> None:
        """Removes the session and all of its messages. Raises `SessionNotFound`."""
        await self._directory.ask(
            self.id,
            Delete(),
            durable=self._durable if durable is None else durable,
            nowait=self._nowait,
        )

    async def _read(self, command: Command[R]) -> R:
        return (await self._directory.ask(self.id, command, nowait=self._nowait)).value

    async def _write(self, command: Command[W], durable: bool | None) -> W:
        self._persister.check_room()
        durable = self._durable if durable is None else durable
        receipt = await self._directory.ask(self.id, command, durable=durable, nowait=self._nowait)
        if durable:
            return evolve(receipt.value, durable_seq=receipt.message_count)
        return receipt.value


def _agent(name: str) -> str:
    if not AGENT_NAME.fullmatch(name):
        raise InvalidInput(
            "agent: must be 1 to 128 of the characters A-Z a-z 0-9 . _ : @ ~ - "
            "and begin with a letter, a digit or _"
        )
    return name
