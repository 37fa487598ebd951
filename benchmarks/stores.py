"""Databases with many sessions, or long ones, made by the store itself, but without a runtime.

A runtime would have a task for each session; here a million of them take half a minute. What comes
to lie in the tables is what a runtime would have written: the store wrote it, and the chains are
right.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import cast

from attrs import define, field

from benchmarks.baselines import encoded
from benchmarks.embedded import opened
from benchmarks.workload import SHORT, Message
from persistence import SQLiteStore
from runtime.clock import timestamp
from runtime.session.chain import link, new_root
from runtime.session.kind import New
from runtime.session.message import from_json
from runtime.store import Change, Delta, Entry, Header

AT_ONCE = 20_000
"""Entries in a transaction: with more, Python's objects take too much memory; with fewer, pages of
the indexes are written again and again."""

SOME = 1_000
"""Messages in a transaction, where they are long: 10 MB or so."""

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
STRIDE = 7919
"""A prime that divides no number of sessions here: so the moments of the sessions are all
different, and in another order than their ids and their rows."""


@define
class Appender:
    """What a store is told of one session, delta by delta, as a runtime would tell it."""

    session_id: str
    no: int | None = None
    """The life in the store, once that has begun it."""
    _created_at: str = field(default="", init=False)
    _version: int = field(default=0, init=False)
    _root: bytes = field(factory=new_root, init=False)
    _chain: bytes = field(default=b"", init=False)

    def delta(self, news: Iterable[New], at: str) -> Delta:
        """That these messages are appended."""
        after = self._version
        chain = self._chain or self._root
        entries = []
        for seq, new in enumerate(news, after + 1):
            chain = link(chain, seq, new.kind, new.key, at, new.digest)
            entries.append(
                Entry(seq, new.kind, new.key, at, new.body, chain, new.metadata, new.form)
            )
        self._version, self._chain = after + len(entries), chain
        self._created_at = self._created_at or at
        header = Header(
            created_at=self._created_at,
            last_activity=at,
            version=self._version,
            message_count=self._version,
        )
        change = Change(no=self.no, root=self._root, header=header, after=after, entries=entries)
        return Delta(session_id=self.session_id, mark=1, steps=(change,))


def fill(path: Path, prefix: str, sessions: int, length: int) -> None:
    """Adds sessions of `length` short messages each; their ids are `prefix` and a number from 0 on.

    Makes the database if it is not there; otherwise nobody may have it open.
    """
    news = [
        from_json({"role": "user", "content": str(seq).ljust(SHORT, "z")})
        for seq in range(1, length + 1)
    ]
    with filling(path) as store:
        _commit(store, prefix, (news for _ in range(sessions)), sessions)


def fill_with(
    path: Path, prefix: str, conversations: Sequence[Sequence[Message]], *, ids: bool
) -> int:
    """The same with conversations; `ids`: whether their messages have client ids.

    Returns the bytes of all messages as JSON, with their ids.
    """
    size = 0

    def news() -> Iterator[list[New]]:
        nonlocal size
        for number, conversation in enumerate(conversations):
            messages = [
                message | {"id": f"message-{number:08x}-{seq:08x}"} if ids else message
                for seq, message in enumerate(conversation, start=1)
            ]
            size += sum(len(encoded(message).encode()) for message in messages)
            yield [from_json(message) for message in messages]

    with filling(path) as store:
        _commit(store, prefix, news(), len(conversations))
    return size


def fill_one(path: Path, session_id: str, news: Iterable[New]) -> None:
    """Adds one session of these messages, however many they are: some of them at a time."""
    appender = Appender(session_id)
    left = iter(news)
    with filling(path) as store:
        while some := list(islice(left, SOME)):
            begun = _take(store, [appender.delta(some, timestamp(FIRST))])
            appender.no = begun.get(session_id, appender.no)


def copy(filled: Path, path: Path) -> None:
    """Another database with the same content, which takes less time than filling it."""
    shutil.copyfile(filled, path)
    _sync(path)


def moment(number: int, of: int) -> str:
    """When the session of this number was used last, of so many."""
    return timestamp(FIRST + timedelta(seconds=number * STRIDE % of))


@contextmanager
def filling(path: Path) -> Iterator[SQLiteStore]:
    """The store, which syncs nothing; it is on the disk when the block has ended."""
    store = cast(SQLiteStore, opened(path))
    # Nothing public makes a store careless, and no other should be: this is for benchmarks alone.
    store._db.conn.execute("PRAGMA synchronous = OFF")
    store._db.conn.execute("PRAGMA cache_size = -200000")
    yield store
    store.close()
    _sync(path)


def _commit(store: SQLiteStore, prefix: str, each: Iterable[Sequence[New]], sessions: int) -> None:
    """Makes a session of each of these."""
    deltas: list[Delta] = []
    waiting = 0
    for number, news in enumerate(each):
        deltas.append(Appender(f"{prefix}{number}").delta(news, moment(number, sessions)))
        waiting += 1 + len(news)
        if waiting >= AT_ONCE:
            _take(store, deltas)
            deltas, waiting = [], 0
    if deltas:
        _take(store, deltas)


def _take(store: SQLiteStore, deltas: Sequence[Delta]) -> Mapping[str, int]:
    """Returns the numbers of the lives that begin, by session."""
    done = store.commit(deltas)
    assert not done.rejected, f"the store did not take {done.rejected}"
    return done.begun


def _sync(path: Path) -> None:
    # Otherwise the system would write it while something is measured.
    with path.open("rb") as file:
        os.fsync(file.fileno())
