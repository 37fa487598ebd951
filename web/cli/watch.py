"""How the process ends: the main thread watches, and the service runs in another.

Rules:

- The main thread only waits, for signals and for the service's end. So a signal is seen whatever
  the service is at: in trio's loop, in the log, in a database that takes long to open.
- The first signal asks for an end in order, which has a limit of time. The second, or the limit,
  ends the process at once.
- Who is asked to end before anything was served has nothing to finish but its start, and gets a
  moment for that.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import partial
from time import monotonic

import trio
from attrs import define, field

from runtime import SECONDS
from web.cli.sinks import settle_terminal
from web.systems import stop_signals

log = logging.getLogger("agent_runtime")

START_MOMENT = 1 * SECONDS
"""For a start that is asked to end. A small database is opened within it, and closed again; one
that is being upgraded is left as a `kill -9` would leave it, and the next start begins anew."""

_ENDED = 0
"""The number of no signal: the service has ended."""


class Exit(IntEnum):
    """Exit codes, beside 0, and the 1 and 2 of Python's and click's own failures."""

    CANNOT_START = 3
    """The operator can mend it; the message says how."""
    STORE_BROKEN = 4
    """The disk failed in a way after which only a restart tells what was written."""
    NOT_WRITTEN = 5
    """The end came with state that the store did not take in time."""
    FORCED = 6
    """A second signal, or a shutdown that took too long."""
    LOST_OWNERSHIP = 7
    """Other nodes have found this one dead, and own what it had; a new start takes part again."""


@define(eq=False)
class Stop:
    """The wish that the service should end, from the watching thread to the service's.

    Each side first writes its own half and then reads the other's, so neither misses the other.
    """

    is_asked: bool = field(default=False, init=False)
    has_begun: bool = field(default=False, init=False)
    """The store is open: there is something to end in order."""
    limit: float = field(factory=lambda: START_MOMENT, init=False)
    """Seconds that the end may take, from when it is asked for."""
    has_served: bool = False
    _tell: Callable[[], None] | None = field(default=None, init=False)

    def event(self, limit: float) -> trio.Event:
        """Is set once the service is to end, which then takes `limit` seconds at the most.

        For the service's loop, once, when it begins.
        """
        event = trio.Event()
        self.limit = limit
        self.has_begun = True
        self._tell = partial(trio.lowlevel.current_trio_token().run_sync_soon, event.set)
        if self.is_asked:
            event.set()
        return event

    def ask(self) -> None:
        """Asks the service to end. From the watching thread."""
        self.is_asked = True
        if self._tell is not None:
            with suppress(trio.RunFinishedError):
                self._tell()


def watched(work: Callable[[Stop], None]) -> None:
    """Does `work` in another thread until that ends, by itself or because a signal asks it to.

    Raises what `work` raises. To be called in the main thread, which alone hears of signals.
    """
    stop = Stop()
    failures: list[BaseException] = []
    heard, told = socket.socketpair()

    def run() -> None:
        try:
            work(stop)
        except BaseException as failure:
            failures.append(failure)
        finally:
            told.send(bytes([_ENDED]))

    with heard, told, _telling(told):
        threading.Thread(target=run, name="service", daemon=True).start()
        _wait_for_end(heard, stop)
    if failures:
        raise failures[0]
    if stop.is_asked and not stop.has_served:
        _say("ended before anything was served")


def _wait_for_end(heard: socket.socket, stop: Stop) -> None:
    asked_at = 0.0
    while True:
        left = asked_at + stop.limit - monotonic()
        if stop.is_asked and left <= 0:
            _end_late(stop)
        # A start may end its own way meanwhile: then there is more time than was thought.
        heard.settimeout(left if stop.is_asked else None)
        with suppress(TimeoutError):
            numbers = heard.recv(64)
            if _ENDED in numbers:
                return
            for number in numbers:
                if stop.is_asked:
                    _end_now("a second signal came; ending at once", Exit.FORCED)
                log.info("%s: shutting down", signal.Signals(number).name)
                asked_at = monotonic()
                stop.ask()


def _end_late(stop: Stop) -> None:
    if stop.has_begun:
        _end_now(f"the end took longer than {stop.limit:g} s; ending at once", Exit.FORCED)
    _end_now("ended while it was starting; the next start begins anew", 0)


def _end_now(why: str, code: int) -> None:
    log.info("%s", why)
    _say(why)
    for handler in logging.getLogger().handlers:
        handler.flush()  # each takes no more than a moment
    settle_terminal()
    os._exit(code)


def _say(what: str) -> None:
    print(f"agent-runtime: {what}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _telling(told: socket.socket) -> Iterator[None]:
    """In the block, a signal to stop does nothing but send its number through `told`.

    Python's part of that is done when the signal comes, not when the main thread gets to it.
    """
    told.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in stop_signals()}
    woken = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
