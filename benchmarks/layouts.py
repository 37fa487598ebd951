"""Two ways to lay out logs of entries in SQLite, measured with nothing around them.

Side by side, the entries of a session lie together, `id = no << 32 | seq`: who reads a session
reads neighbouring pages, but an entry that comes into the middle of a tree splits a full page. In
order of arrival, they lie as they came, which fills pages to the brim; a tree of places,
`look(no, k, id)`, says where the entries from a number on lie, as far as they lie together, and
where the one with a key is. Here no two of a session lie together, so each has its row: that is the
most that this order can cost. Both with and without an index on the last activity, which each
append has to move. The store keeps the order of arrival.
"""
# ruff: noqa: S608 -- nothing in the statements comes from outside

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from statistics import fmean, median

from attrs import define, field, frozen

from benchmarks.baselines import FRAME, Mark
from benchmarks.bench import Bench
from benchmarks.measure import Timer, in_turn
from benchmarks.processes import forget
from benchmarks.stores import AT_ONCE
from benchmarks.workload import encoded, short_message

READS = 3
"""Sessions that are read in a round, each with nothing of its file in memory."""

BODY = encoded(short_message())
_COLUMNS = "kind TEXT, at INTEGER, chain BLOB, key INTEGER, body TEXT"
_VALUES = "'message', :place, x'0123456789abcdef', :key, :body"
_SESSION = "CREATE TABLE session (no INTEGER PRIMARY KEY, last_activity INTEGER)"
_ACTIVITY = "CREATE INDEX by_activity ON session (last_activity DESC, no DESC)"
_TOUCH = "INSERT OR REPLACE INTO session VALUES (:no, :place)"


@frozen(kw_only=True)
class Layout:
    """Tables, and what is done to them."""

    name: str
    tables: Sequence[str]
    insert: Sequence[str]
    """For each entry: `no`, `seq`, a `key` beyond all of `seq`, and `place`, its number of all."""
    read: str
    purge: Sequence[str]


_RANGE = "id BETWEEN :no << 32 AND :no << 32 | 4294967295"
_FOUND = "look.no = :no AND look.k <= 4294967295"
LAYOUTS = (
    Layout(
        name="side by side",
        tables=(
            f"CREATE TABLE entry (id INTEGER PRIMARY KEY, {_COLUMNS})",
            "CREATE UNIQUE INDEX by_key ON entry (id >> 32, key)",
        ),
        insert=(f"INSERT INTO entry VALUES (:no << 32 | :seq, {_VALUES})",),
        read=f"SELECT * FROM entry WHERE {_RANGE} ORDER BY id",
        purge=(f"DELETE FROM entry WHERE {_RANGE}",),
    ),
    Layout(
        name="order of arrival",
        tables=(
            f"CREATE TABLE entry (id INTEGER PRIMARY KEY, no INTEGER, seq INTEGER, {_COLUMNS})",
            "CREATE TABLE look (no INTEGER, k INTEGER, id INTEGER, PRIMARY KEY (no, k, id))"
            " WITHOUT ROWID",
        ),
        insert=(
            f"INSERT INTO entry VALUES (:place, :no, :seq, {_VALUES})",
            "INSERT INTO look VALUES (:no, :seq, :place)",
            "INSERT INTO look VALUES (:no, :key, :place)",
        ),
        read=f"SELECT entry.* FROM look CROSS JOIN entry USING (id) WHERE {_FOUND} ORDER BY look.k",
        purge=(
            f"DELETE FROM entry WHERE id IN (SELECT id FROM look WHERE {_FOUND})",
            "DELETE FROM look WHERE no = :no",
        ),
    ),
)


@define(eq=False)
class Database:
    """One layout, with an index on the last activity or without."""

    name: str
    layout: Layout
    path: Path
    connection: sqlite3.Connection
    versions: list[int]
    """Of each session, by its `no`."""
    _place: int = 0
    _random: Random = field(factory=lambda: Random(1))  # noqa: S311 -- it only varies the keys

    def append(self, sessions: Sequence[int]) -> float:
        """One entry to each of these, in one transaction; returns how many pages that wrote."""
        rows: list[dict[str, object]] = []
        for no in sessions:
            self._place += 1
            self.versions[no] += 1
            seq, key = self.versions[no], 1 << 61 | self._random.getrandbits(60)
            rows.append({"no": no, "seq": seq, "place": self._place, "key": key, "body": BODY})
        return self.commit((_TOUCH, *self.layout.insert), rows)

    def read(self, no: int) -> float:
        """Reads all entries of a session from the disk; returns the seconds that it took."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        forget(self.path)
        with closing(sqlite3.connect(self.path)) as connection:
            timer = Timer()
            found = connection.execute(self.layout.read, {"no": no}).fetchall()
            seconds = timer.seconds
        assert len(found) == self.versions[no]
        return seconds

    def commit(self, statements: Sequence[str], rows: Sequence[dict[str, object]]) -> float:
        """Each statement for each row; returns how many pages that wrote."""
        before = Mark.of(self.path)
        self.connection.execute("BEGIN")
        for statement in statements:
            self.connection.executemany(statement, rows)
        self.connection.execute("COMMIT")
        return Mark.of(self.path).since(before)


async def layouts(bench: Bench) -> None:
    """Pages and bytes of an append, cold reads, and a purge."""
    sessions, length, long = bench.of((5_000, 20, 1_000), (20, 2, 10))
    # Sessions that share a transaction, one entry each; and how many such ones in a round.
    batches = bench.of({1: 60, 64: 10, 1_000: 3}, {1: 2, 8: 1})
    # The long ones, that are read or purged, come first; their entries came among the others.
    others = range(READS + bench.rounds, READS + bench.rounds + sessions)
    order = [n for n in range(others.stop) for _ in range(length if n in others else long)]
    random = Random(2)  # noqa: S311 -- it only varies the order
    random.shuffle(order)
    by = "by sessions in a transaction"
    found: dict[tuple[str, str, str, int | None], list[float]] = defaultdict(list)
    with ExitStack() as stack:
        databases = [
            stack.enter_context(_filled(bench.folder, layout, order, indexed=indexed))
            for layout in LAYOUTS
            for indexed in (False, True)
        ]
        for number, database in in_turn(databases, bench.rounds):
            name = database.name
            pages = database.commit(database.layout.purge, [{"no": READS + number}])
            found[f"purge of {long:,} entries", name, "pages", None].append(pages)
            for batch, times in batches.items():
                written = [database.append(random.sample(others, batch)) for _ in range(times)]
                pages = fmean(written) / batch
                found[f"pages of an append, {by}", name, "pages", batch].append(pages)
                found[f"bytes of an append, {by}", name, "B", batch].append(pages * FRAME)
            seconds = median(database.read(no) for no in range(READS))
            found[f"read of {long:,} entries", name, "s", None].append(seconds)
    note = f"{sessions:,} sessions of {length} entries mixed as they came; reads are from the disk"
    for (work, name, unit, x), values in found.items():
        bench.add(work, name, unit, values, note, x=x)


@contextmanager
def _filled(
    folder: Path, layout: Layout, order: Sequence[int], *, indexed: bool
) -> Iterator[Database]:
    """A database with an entry for each of these sessions, in this order."""
    name = f"{layout.name}{', activity index' if indexed else ''}"
    path = folder / f"{name}.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        for statement in (_SESSION, *([_ACTIVITY] if indexed else ()), *layout.tables):
            connection.execute(statement)
        database = Database(name, layout, path, connection, [0] * (max(order) + 1))
        for first in range(0, len(order), AT_ONCE):
            database.append(order[first : first + AT_ONCE])
        connection.execute("PRAGMA synchronous = FULL")
        yield database
