"""What can become of a transaction on its way: the faults that a gate does to a node's commits.

Each of them meets one transaction that writes entries, the first that comes, and lets all others
pass.
"""

from collections.abc import Iterator
from enum import Enum
from threading import Event

from attrs import define, field

from tests.faults.cluster.storage.proxy import Link
from tests.faults.cluster.storage.wire import FENCE, Message, warning

WAITS = "SQH"
"""The kinds of messages behind which a client may wait for an answer."""
GONE = "57P"
"""How the SQLSTATEs begin by which the database says that it ends a connection."""


class Moment(Enum):
    """When a connection is lost."""

    BEFORE = "before COMMIT"
    DURING = "during COMMIT"
    AFTER = "after COMMIT"


@define
class Cut:
    """The connection is lost: before COMMIT has left, before its answer, or with its answer."""

    moment: Moment
    met: Event = field(factory=Event)
    _link: Link | None = None

    def sent(self, link: Link, message: Message) -> Iterator[bytes]:
        if self._link is None and link.is_batch and message.commits and not self.met.is_set():
            self._link = link
            if self.moment is Moment.BEFORE:
                link.cut()
                self.met.set()
                return
        elif link is self._link and self.moment is Moment.BEFORE:
            return
        yield message.raw
        # Behind COMMIT may come what makes the server execute it, or what makes it answer.
        is_whole = message.kind in "QS"
        if link is self._link and self.moment is Moment.DURING and is_whole:
            link.cut_client()
            self.met.set()

    def said(self, link: Link, message: Message) -> Iterator[bytes]:
        if link is self._link and self.moment is Moment.AFTER and message.tag == "COMMIT":
            link.cut_client()
            self.met.set()
        if link is not self._link or not self.met.is_set():
            yield message.raw


@define
class Warn:
    """The commit comes with the warning that no standby has it; it is committed all the same."""

    met: Event = field(factory=Event)

    def sent(self, link: Link, message: Message) -> Iterator[bytes]:
        yield message.raw

    def said(self, link: Link, message: Message) -> Iterator[bytes]:
        if message.tag == "COMMIT" and link.is_batch and not self.met.is_set():
            self.met.set()
            yield warning()
        yield message.raw


@define
class Hold:
    """A transaction is on its way for as long as the campaign likes; others pass meanwhile.

    `whole`: all of it is held; else its COMMIT, so that it is open in the database.
    """

    whole: bool
    met: Event = field(factory=Event)
    """It is held, up to its end."""
    was_committed: Event = field(factory=Event)
    was_refused: Event = field(factory=Event)
    has_ended: Event = field(factory=Event)
    """The database has answered to it, or ended the connection."""
    _link: Link | None = None
    _held: list[bytes] = field(factory=list)
    _is_passed_on: bool = False

    def sent(self, link: Link, message: Message) -> Iterator[bytes]:
        if self._is_passed_on or self._link not in {None, link}:
            yield message.raw
            return
        if self._link is None and self._meets(link, message):
            self._link, link.is_kept = link, True
        if self._link is None:
            yield message.raw
            return
        self._held.append(message.raw)
        if message.kind not in WAITS:
            return
        if link.is_batch:
            self.met.set()
        else:
            # The node waits for an answer, and says no more until it has it: this transaction
            # writes no entries, or goes step by step, as through a pooler. It would stand still.
            yield from self._held
            self._held.clear()
            self._link, link.is_kept = None, False

    def _meets(self, link: Link, message: Message) -> bool:
        if self.whole:
            return link.has_written and message.begins
        return link.is_batch and message.commits

    def said(self, link: Link, message: Message) -> Iterator[bytes]:
        if link is self._link and self._is_passed_on:
            if message.tag == "COMMIT":
                self.was_committed.set()
            if message.sqlstate == FENCE:
                self.was_refused.set()
            if message.kind == "Z" or message.sqlstate.startswith(GONE):
                self.has_ended.set()
        yield message.raw

    def lose(self) -> None:
        """The node's connection is lost; what is held of it is not."""
        assert self._link is not None
        self._link.cut_client()

    def pass_on(self) -> None:
        """What was held arrives, however late; once."""
        if self._is_passed_on:
            return
        self._is_passed_on = True
        if self._link is None:
            return
        try:
            self._link.to_server(*self._held)
        except OSError:
            self.has_ended.set()
