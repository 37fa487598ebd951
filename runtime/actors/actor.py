"""One task, one mailbox, one session. When it stops, every mailed command still gets an answer.

Only this task changes the session's state, and it applies a command without yielding; that is why
no lock is needed. While it has nothing to do, a read need not wait for its turn (`read_nowait`). A
long command is in steps: others are let in between them, but nobody sees this session then, nor is
it written. A *refused* command (a `CallerError`) leaves the actor running. So does one that lacks
something in memory: the actor reads it from the store, in a thread, and calls the command again; as
the actor waits for it, nobody else can have changed the state meanwhile. Any other error is a bug:
it ends this activation alone, and the next command starts the session again from the store.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import GeneratorType
from typing import Any, NoReturn, TypeVar

import trio
from attrs import define, field

from runtime.actors.mailbox import Command
from runtime.errors import (
    AgentRuntimeError,
    CallerError,
    MailboxFull,
    RuntimeClosed,
    SessionCrashed,
    StoreError,
    damaged,
)
from runtime.feeds.feeds import Feeds
from runtime.session.entries.tail import Needs
from runtime.session.state import SessionState
from runtime.session.steps import Steps
from runtime.store.entries import Row, Wanted

R = TypeVar("R")

STRETCH = 0.002
"""Seconds that one session may go on answering without letting others in between: well below what
anybody notices, and enough for a hundred short commands."""

log = logging.getLogger("agent_runtime")


@define(eq=False)
class Actor:
    """One activation of a session."""

    session_id: str
    mailbox_size: int
    _activate: Callable[[str], Awaitable[SessionState]]
    _mark_dirty: Callable[[SessionState], None]
    _settle_when_durable: Callable[[SessionState, Command[Any]], None]
    _find: Callable[[int, Wanted], Awaitable[Sequence[Row]]]
    """Reads entries of a life in the store. Raises `StoreError`."""
    _rest: Callable[[], Awaitable[None]]
    """What lies between the steps of a long command: others go on."""
    _feeds: Feeds
    _on_absent: Callable[["Actor"], object]
    """Called after a command that leaves the session absent: nothing is worth keeping."""
    last_used: float = 0.0
    """When something was last asked of the session, in trio's time."""
    session: SessionState | None = None
    """`None` until it is loaded, and again when the task has ended."""
    crashed: bool = False
    _unanswered: int = 0
    """Commands between being mailed and being answered, wherever they are: waiting for room, in the
    channel, or handed to the task that has not run yet. The channel's own statistics miss the last.
    """
    _send: trio.MemorySendChannel[Command[Any]] = field(init=False)
    _receive: trio.MemoryReceiveChannel[Command[Any]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel(self.mailbox_size)

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be missed: loaded, all commands answered, all state durable."""
        session = self.session
        return (
            session is not None and self._unanswered == 0 and session.mark == session.durable_mark
        )

    @property
    def is_held(self) -> bool:
        """Whether it is to stay, though nobody asks it anything: somebody is writing there."""
        return self.session is not None and self.session.is_held(trio.current_time())

    def mail_nowait(self, command: Command[R]) -> None:
        """Puts a command into the mailbox.

        Raises `MailboxFull`, and `trio.ClosedResourceError` if the activation has ended.
        """
        try:
            self._send.send_nowait(command)
        except trio.WouldBlock:
            limit = self._send.statistics().max_buffer_size
            raise MailboxFull(self.session_id, int(limit)) from None
        self._unanswered += 1

    async def mail(self, command: Command[R]) -> None:
        """The same, but waits for room."""
        self._unanswered += 1
        try:
            await self._send.send(command)
        except BaseException:
            self._unanswered -= 1
            raise

    def turn_away(self) -> None:
        """Has those who wait for room ask the directory once more. Nobody else notices."""
        # Whoever waits is woken when what it waits at is closed; the other end goes on, as it is
        # open for as long as one of these is.
        send = self._send.clone()
        self._send.close()
        self._send = send

    def read_nowait(
        self, work: Callable[[SessionState], R], *, confirm: bool, confirm_refusal: bool
    ) -> R:
        """Serves a read in its caller's task. See `Command` for what it is.

        Raises what it is refused with, and `trio.WouldBlock` if it is to be mailed: the task has
        something to do, or will have with this. Else the session is what the task would find, if
        it were woken for this read alone; to wake it takes as long as a short read itself. Writes
        are mailed: what many callers write in one pass of the event loop is served in a stretch.
        """
        # From the question to the end nothing yields: so nothing is mailed meanwhile that would
        # have been before this read, and the task does not run.
        session = self.session
        if session is None or self._unanswered:
            raise trio.WouldBlock
        is_on_disk = session.durable_mark >= session.firm_mark
        if confirm and not is_on_disk:
            raise trio.WouldBlock
        session.confirms = False
        session.now = self.last_used
        try:
            found = work(session)
        except CallerError:
            if confirm_refusal and not is_on_disk:
                raise trio.WouldBlock from None
            if session.life is None:
                self._on_absent(self)
            raise
        except Exception:  # it lacks something; or it is a bug, by which the task is to end
            raise trio.WouldBlock from None
        if type(found) is GeneratorType:  # it is in steps
            raise trio.WouldBlock
        if session.life is None:
            self._on_absent(self)
        return found
        # To here.

    def close(self) -> None:
        """Takes no more commands. The task answers those that it has, and ends."""
        self._send.close()

    async def run(self) -> None:
        """Serves the mailbox until it is closed, or the activation fails."""
        refusal: AgentRuntimeError = RuntimeClosed()  # if the surrounding nursery is cancelled
        try:
            self.session = session = await self._activate(self.session_id)
            async for command in self._receive:
                await self._serve(command, session)
                del command  # while the actor waits for the next one, this one's messages can go
                if self._unanswered:
                    await self._serve_waiting(session)
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

    async def _serve_waiting(self, session: SessionState) -> None:
        """Answers what else is in the mailbox by now, but not for long.

        A pass of the event loop for each would be most of what a busy session costs.
        """
        end = trio.current_time() + STRETCH
        for _ in range(self.mailbox_size):
            if self._unanswered == 0 or trio.current_time() >= end:
                return
            try:
                command = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):  # it still waits for room
                return
            await self._serve(command, session)

    async def _serve(self, command: Command[Any], session: SessionState) -> None:
        """Answers a command, after reading what it lacks."""
        try:
            mark, work = session.mark, command.work
            while (lacking := self._apply(command, session, mark, work)) is not None:
                if not isinstance(lacking, Wanted):
                    work = await self._in_steps(lacking, session)
                    continue
                work = command.work  # once more, with what it lacks
                life = session.present()
                assert life.no is not None, "what the store does not have yet is in memory"
                rows = await self._find(life.no, lacking)
                try:
                    life.log.bring(lacking, rows)
                except ValueError as error:
                    raise damaged(self.session_id, error) from error
        except StoreError as error:  # it could not be read; the session goes on
            command.refuse(error)
        except trio.Cancelled:  # while it was read for, or between steps: nothing was done
            command.refuse(RuntimeClosed())
            raise
        except BaseException:
            command.refuse(SessionCrashed(self.session_id))
            raise
        finally:
            if session.life is not None:
                session.life.log.release()
            self._unanswered -= 1
        if session.life is None:
            self._on_absent(self)

    def _apply(
        self,
        command: Command[Any],
        session: SessionState,
        mark: int,
        work: Callable[[SessionState], Any],
    ) -> Wanted | Steps[Any] | None:
        """Does what is asked, and answers; or returns what it lacks, and has done nothing.

        That may be a long command's steps: what they come to is its `work` then.
        """
        # From here to the end nothing yields: command, dirty mark, and the answer or its keeping
        # until it is durable are one step.
        # A read is shown before that, if the store fails.
        session.confirms = command.confirm and not command.is_read
        session.now = trio.current_time()
        try:
            value = work(session)
            if type(value) is GeneratorType:
                return value
            command.hold(value)
            confirm = command.confirm
        except Needs as needs:
            assert session.mark == mark, "a command that lacks something has changed nothing"
            return needs.wanted
        except CallerError as refusal:
            assert session.mark == mark, "a refused command has changed nothing"
            command.hold(None, refusal)
            confirm = command.confirm_refusal
        if session.mark > mark:
            self._mark_dirty(session)
            if self._feeds.by_session:
                self._feeds.changed(session)
        if confirm and session.durable_mark < session.firm_mark:
            self._settle_when_durable(session, command)
        else:
            command.answer()
        return None
        # To here.

    async def _in_steps(
        self, steps: Steps[R], session: SessionState
    ) -> Callable[[SessionState], R]:
        """What gives, or raises, what they come to. Others are let in between.

        Cancelled, the steps have done nothing.
        """
        try:
            while True:
                next(steps)
                session.is_under_way = True
                await self._rest()
        except StopIteration as end:
            return partial(_given, end.value)
        except (CallerError, Needs) as error:
            return partial(_raised, error)
        finally:
            steps.close()
            session.is_under_way = False

    def _refuse_rest(self, error: AgentRuntimeError) -> None:
        self.session = None
        self._feeds.passivated(self.session_id)
        self._send.close()  # whoever waits for room is woken, and turns to the next activation
        while True:
            try:
                command = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            command.refuse(error)
            self._unanswered -= 1
        self._receive.close()


def _given(value: R, _: SessionState) -> R:
    return value


def _raised(error: Exception, _: SessionState) -> NoReturn:
    raise error
