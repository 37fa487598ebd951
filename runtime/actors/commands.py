"""The commands that go through a session's mailbox: frozen values that know what they ask for.

A command carries the moment at which it was sent, since the session's state reads no clock.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from runtime.session.message import Entry
from runtime.session.replies import AgentContext, Appended, History, MessagePage, Summary
from runtime.session.state import SessionState

R = TypeVar("R")


class Command(ABC, Generic[R]):
    """A request to one session, with its only answer of type `R`."""

    __slots__ = ()

    @abstractmethod
    def apply(self, session: SessionState) -> R:
        """Does it, without yielding. Raises a `CallerError` if it refuses, changing nothing."""


@frozen
class Append(Command[Appended]):
    entries: Sequence[Entry]
    create: bool
    at: str

    def apply(self, session: SessionState) -> Appended:
        return session.append(self.entries, create=self.create, at=self.at)


@frozen
class Create(Command[Summary]):
    entries: Sequence[Entry]
    agent: str
    metadata: bytes
    at: str

    def apply(self, session: SessionState) -> Summary:
        return session.create(self.entries, agent=self.agent, metadata=self.metadata, at=self.at)


@frozen
class Delete(Command[bool]):
    before: str | None = None

    def apply(self, session: SessionState) -> bool:
        return session.delete(before=self.before)


@frozen
class SwitchAgent(Command[AgentContext]):
    agent: str
    reason: str
    at: str

    def apply(self, session: SessionState) -> AgentContext:
        return session.switch_agent(self.agent, reason=self.reason, at=self.at)


@frozen
class PatchMetadata(Command[Summary]):
    patch: Mapping[str, Any]
    at: str

    def apply(self, session: SessionState) -> Summary:
        return session.patch_metadata(self.patch, at=self.at)


@frozen
class GetHistory(Command[History]):
    def apply(self, session: SessionState) -> History:
        return session.history()


@frozen
class GetMessages(Command[MessagePage]):
    after: int
    limit: int

    def apply(self, session: SessionState) -> MessagePage:
        return session.messages(after=self.after, limit=self.limit)


@frozen
class GetAgentContext(Command[AgentContext]):
    def apply(self, session: SessionState) -> AgentContext:
        return session.agent_context()


@frozen
class GetSummary(Command[Summary]):
    def apply(self, session: SessionState) -> Summary:
        return session.summary()
