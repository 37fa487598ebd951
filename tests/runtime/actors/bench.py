"""An actor alone, with what surrounds it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio
from attrs import define, field

from runtime.actors.actor import Actor
from runtime.actors.mailbox import Command
from runtime.feeds.feeds import Feeds
from runtime.session.asked import reading
from runtime.session.state import SessionState
from runtime.store.entries import Row, Wanted
from tests.runtime.fakes import NOON, absent_state


def history() -> Command[Any]:
    return Command(reading.history, is_read=True)


def delete() -> Command[bool]:
    return Command(lambda state: state.delete(at=NOON))


async def absent(session_id: str) -> SessionState:
    return absent_state(session_id)


async def nothing(no: int, wanted: Wanted) -> Sequence[Row]:
    return ()


@define
class Bench:
    """An actor with what surrounds it."""

    activate: Callable[[str], Awaitable[SessionState]] = absent
    mailbox_size: int = 8
    marked: list[tuple[str, int]] = field(factory=list)
    absent: list[Actor] = field(factory=list)
    held: list[tuple[int, Command[Any]]] = field(factory=list)
    """Versions, and the commands that wait for them to become durable."""
    actor: Actor = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.actor = Actor(
            session_id="s",
            mailbox_size=self.mailbox_size,
            activate=self.activate,
            mark_dirty=lambda session: self.marked.append((session.session_id, session.version)),
            settle_when_durable=lambda session, command: self.held.append(
                (session.version, command)
            ),
            find=nothing,
            rest=trio.lowlevel.checkpoint,
            feeds=Feeds(commits=True),
            on_absent=self.absent.append,
        )
