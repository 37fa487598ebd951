"""What one durable append brings to the disk: pages, and their bytes."""

from collections.abc import Mapping

import trio

from benchmarks import wal
from benchmarks.embedded import OURS, running
from benchmarks.results import Results
from benchmarks.stores import fill
from benchmarks.suite import Effort
from benchmarks.workload import short_message
from runtime import Message, Runtime

SESSIONS, LENGTH = 1_000, 20
"""In the database, and messages of each."""
APPENDS = 200
"""Of each kind in a round."""

KINDS: Mapping[bool, str] = {False: "without an id", True: "with its client's id"}


def pages(effort: Effort, results: Results) -> None:
    """How many pages an append in `commit` writes to the WAL, and how many bytes those are."""
    trio.run(_pages, effort, results)


async def _pages(effort: Effort, results: Results) -> None:
    path = effort.folder / "pages.db"
    sessions, appends = effort.of(full=(SESSIONS, APPENDS), quick=(10, 3))
    fill(path, "s-", sessions, LENGTH)
    found: dict[bool, list[float]] = {ids: [] for ids in KINDS}
    async with running(path) as runtime:
        for number in range(effort.rounds):
            for ids in KINDS:
                session_id = f"s-{number * 2 + ids}"
                # Its first append is that of a session that nobody has used: it leaves its place in
                # the list's order, once.
                await _append(runtime, session_id, ids=ids)
                added = 0
                for _ in range(appends):
                    before = wal.mark(path)
                    await _append(runtime, session_id, ids=ids)
                    added += wal.mark(path).since(before)
                found[ids].append(added / appends)
    for ids, note in KINDS.items():
        work = "append in `commit`, one caller"
        kind = f"a message {note}"
        more = f"mean of {appends}, {kind}, to one of {sessions:,} sessions of {LENGTH} messages"
        spread = results.add(f"{work}: pages", f"{OURS}, {kind}", "pages", found[ids], note=more)
        results.add(
            f"{work}: bytes",
            f"{OURS}, {kind}",
            "B",
            [pages * wal.FRAME for pages in found[ids]],
            note="of these pages in the WAL; a checkpoint copies each page once, for many appends",
        )
        if ids:
            results.judge("append_pages", spread)


async def _append(runtime: Runtime, session_id: str, *, ids: bool) -> None:
    message_id = runtime.new_session_id() if ids else None
    message = Message(**short_message(), id=message_id)
    await runtime.session(session_id).append(message, durable=True)
