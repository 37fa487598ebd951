"""Runtimes inside this process, and databases with many sessions, or long ones, for them.

A runtime would make the sessions with a task for each; here the store itself makes them, and a
million take half a minute. What comes to lie in the tables is what a runtime would have written:
the store wrote it, and the chains are right.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from attrs import define, field

from benchmarks import workload
from benchmarks.workload import short_message
from persistence import SQLiteStore, open_store
from runtime import History, Message, Runtime, RuntimeConfig, Session, open_runtime
from runtime.clock import timestamp
from runtime.session.entries.chain import link, new_root
from runtime.session.entries.forms import shown_json
from runtime.session.kind import New
from runtime.session.kinds.message import from_json
from runtime.store.deltas import Delta
from runtime.store.entries import Entry
from runtime.store.steps import Change
from runtime.store.stored import Header

OURS = "this runtime"

MESSAGE = Message(**short_message())

AT_ONCE = 20_000
"""Entries in a transaction: with more, Python's objects take too much memory; with fewer, pages of
the indexes are written again and again."""

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
STRIDE = 7919
"""A prime that divides no number of sessions here: so the moments of the sessions are all
different, and in another order than their ids and their rows."""


def opened(path: Path) -> SQLiteStore:
    """The store at this absolute path, made if it is not there. No search for damage."""
    store = open_store(f"sqlite:///{path}", quick_check="never")
    assert isinstance(store, SQLiteStore)
    return store


def running(
    path: Path, config: RuntimeConfig | None = None
) -> AbstractAsyncContextManager[Runtime]:
    """A runtime on the database at this absolute path, which is made if it is not there."""
    return open_runtime(opened(path), config)


async def created(runtime: Runtime, sessions: int) -> list[Session]:
    """So many new sessions without messages, on disk and active."""
    found = [runtime.session(f"s-{number}") for number in range(sessions)]
    for session in found:
        await session.create(durable=False)
    await runtime.flush()
    return found


def unpacked(history: History) -> list[workload.Message]:
    """The messages of a history as objects, as whoever works with them needs them."""
    found: list[dict[str, Any]] = msgspec.json.decode(shown_json(history.entries.shown()))
    return found


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


def short(length: int) -> list[New]:
    """So many short messages, as the store takes them."""
    return [from_json(short_message(seq)) for seq in range(1, length + 1)]


def fill(
    path: Path, prefix: str, sessions: Collection[Iterable[New]], piece: int | None = None
) -> None:
    """Adds sessions of these messages; their ids are `prefix` and a number from 0 on.

    Makes the database if it is not there; otherwise nobody may have it open. `piece`: messages in a
    transaction, where they are so long that one cannot have all of a session's.
    """
    deltas: list[Delta] = []
    waiting = 0
    with filling(path) as store:
        for number, news in enumerate(sessions):
            at = timestamp(FIRST + timedelta(seconds=number * STRIDE % len(sessions)))
            appender, left = Appender(f"{prefix}{number}"), iter(news)
            some = list(islice(left, piece))
            while True:
                deltas.append(appender.delta(some, at))
                waiting += 1 + len(some)
                if waiting >= AT_ONCE or piece is not None:
                    appender.no = _take(store, deltas).get(appender.session_id, appender.no)
                    deltas, waiting = [], 0
                if piece is None or not (some := list(islice(left, piece))):
                    break
        _take(store, deltas)


def _take(store: SQLiteStore, deltas: Sequence[Delta]) -> Mapping[str, int]:
    """Returns the numbers of the lives that begin, by session."""
    if not deltas:
        return {}
    begun: dict[str, int] = {}
    while deltas:
        done = store.commit(deltas)
        assert not done.rejected, f"the store did not take {done.rejected}"
        begun |= done.begun
        deltas = [delta for delta in deltas if delta.session_id in done.unfinished]
    return begun


@contextmanager
def filling(path: Path) -> Iterator[SQLiteStore]:
    """The store, which syncs nothing; it is on the disk when the block has ended."""
    store = opened(path)
    # Nothing public makes a store careless, and no other should be: this is for benchmarks alone.
    store._db.conn.execute("PRAGMA synchronous = OFF")
    store._db.conn.execute("PRAGMA cache_size = -200000")
    yield store
    store.close()
    # Otherwise the system would write it while something is measured.
    with path.open("rb") as file:
        os.fsync(file.fileno())
