"""One task, one mailbox, one session. When it stops, every mailed command still gets an answer.

Only this task changes the session's state, and it applies a command without yielding; that is why
no lock is needed. A *refused* command (a `CallerError`) leaves the actor running. Any other error
is a bug: it ends this activation alone, and the next command starts the session again from the
store.
"""

import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Generic, TypeVar, cast

import trio
from attrs import define, field, frozen

from runtime.actors.commands import Command
from runtime.errors import (
    AgentRuntimeError,
    CallerError,
    MailboxFull,
    RuntimeClosed,
    SessionCrashed,
    StoreError,
)
from runtime.session.state import SessionState

R = TypeVar("R")

STRETCH = 0.002
"""Seconds that one session may go on answering without letting others in between: well below what
anybody notices, and enough for a hundred short commands."""

log = logging.getLogger("agent_runtime")


@frozen
class Receipt(Generic[R]):
    """A command's answer."""

    value: R
    message_count: int
    """The session's length right after the command: once that is durable, these messages are on
    disk."""


class Reply(Generic[R]):
    """The place for one command's only answer, which is settled once.

    By the actor; that of a durable command is held back until the persister does.
    """

    __slots__ = ("_answered", "_error", "_receipt", "deadline")

    def __init__(self) -> None:
        self._answered = trio.Event()
        self._receipt: Receipt[R] | None = None
        self._error: AgentRuntimeError | None = None
        self.deadline = inf
        """Until when to hold the answer back at the longest, in trio's time."""

    def hold(self, receipt: Receipt[R]) -> None:
        """Keeps the answer until `settle`."""
        self._receipt = receipt

    def settle(self, error: AgentRuntimeError | None = None) -> None:
        """Answers with what is held, or with this error."""
        self._error = error
        self._answered.set()

    async def wait(self) -> Receipt[R]:
        """The answer; raises what the command was refused with."""
        await self._answered.wait()
        if self._error is not None:
            raise self._error
        return cast(Receipt[R], self._receipt)


@frozen(eq=False)
class Mailed(Generic[R]):
    """A command in a mailbox, with the place for its answer."""

    command: Command[R]
    durable: bool = False
    """Whether to answer only once the session's state is on disk."""
    reply: Reply[R] = field(factory=Reply)


@define(eq=False)
class Actor:
    """One activation of a session."""

    session_id: str
    mailbox_size: int
    _activate: Callable[[str], Awaitable[SessionState]]
    _mark_dirty: Callable[[SessionState], None]
    _settle_when_durable: Callable[[SessionState, Reply[Any]], None]
    _on_absent: Callable[["Actor"], object]
    """Called after a command that leaves the session absent: nothing is worth keeping."""
    last_used: float = 0.0
    """When a command was last mailed, in trio's time."""
    session: SessionState | None = None
    """`None` until it is loaded."""
    crashed: bool = False
    _unanswered: int = 0
    """Commands between being mailed and being answered, wherever they are: waiting for room, in the
    channel, or handed to the task that has not run yet. The channel's own statistics miss the last.
    """
    _send: trio.MemorySendChannel[Mailed[Any]] = field(init=False)
    _receive: trio.MemoryReceiveChannel[Mailed[Any]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel(self.mailbox_size)

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be missed: loaded, all commands answered, all state durable."""
        session = self.session
        return (
            session is not None
            and self._unanswered == 0
            and session.version == session.durable_version
        )

    def mail_nowait(self, mailed: Mailed[R]) -> None:
        """Puts a command into the mailbox.

        Raises `MailboxFull`, and `trio.ClosedResourceError` if the activation has ended.
        """
        try:
            self._send.send_nowait(mailed)
        except trio.WouldBlock:
            raise MailboxFull(self.session_id) from None
        self._unanswered += 1

    async def mail(self, mailed: Mailed[R]) -> None:
        """The same, but waits for room."""
        try:
            self.mail_nowait(mailed)
        except MailboxFull:
            self._unanswered += 1
            try:
                await self._send.send(mailed)
            except BaseException:
                self._unanswered -= 1
                raise

    def close(self) -> None:
        """Takes no more commands. The task answers those that it has, and ends."""
        self._send.close()

    async def run(self) -> None:
        """Serves the mailbox until it is closed, or the activation fails."""
        refusal: AgentRuntimeError = RuntimeClosed()  # if the surrounding nursery is cancelled
        try:
            self.session = session = await self._activate(self.session_id)
            async for mailed in self._receive:
                self._answer(mailed, session)
                del mailed  # while the actor waits for the next one, this one's messages can go
                self._answer_waiting(session)
        except StoreError as error:
            refusal = error
        except Exception:
            # The one place that contains a bug (I5): to this activation. It goes to the log with
            # its traceback, and to everyone who waits here.
            self.crashed = True
            refusal = SessionCrashed(self.session_id)
            log.exception("session %s: its actor failed", self.session_id)
        finally:
            self._refuse_rest(refusal)

    def _answer_waiting(self, session: SessionState) -> None:
        """Answers what else is in the mailbox by now, but not for long.

        A pass of the event loop for each would be most of what a busy session costs.
        """
        end = trio.current_time() + STRETCH
        for _ in range(self.mailbox_size):
            if self._unanswered == 0 or trio.current_time() >= end:
                return
            try:
                mailed = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):  # it still waits for room
                return
            self._answer(mailed, session)

    def _answer(self, mailed: Mailed[Any], session: SessionState) -> None:
        # From here to the end nothing yields: command, dirty mark, and the answer or its keeping
        # until it is durable are one step.
        version = session.version
        try:
            value = mailed.command.apply(session)
            if session.version != version:
                self._mark_dirty(session)
            mailed.reply.hold(Receipt(value, len(session.entries)))
            if mailed.durable and session.durable_version < session.version:
                self._settle_when_durable(session, mailed.reply)
            else:
                mailed.reply.settle()
        except CallerError as refusal:
            mailed.reply.settle(refusal)
        except BaseException:
            mailed.reply.settle(SessionCrashed(self.session_id))
            raise
        finally:
            self._unanswered -= 1
        if not session.exists:
            self._on_absent(self)
        # To here.

    def _refuse_rest(self, error: AgentRuntimeError) -> None:
        self._send.close()  # whoever waits for room is woken, and turns to the next activation
        while True:
            try:
                mailed = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            mailed.reply.settle(error)
            self._unanswered -= 1
        self._receive.close()
