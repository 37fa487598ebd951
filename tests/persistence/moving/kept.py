"""A store with one of everything, and all that can be asked of a store."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from persistence import open_store
from runtime.store.entries import REMOVAL
from runtime.store.store import Store
from runtime.store.stored import NEVER, DraftChunk, Lease, Origin, Settings, Standing
from tests.persistence.builders import (
    NOON,
    Item,
    at,
    begins,
    born,
    delta,
    follows,
    fork,
    message,
    record,
    switch,
)
from tests.persistence.contract.stores import EVERYTHING, MANY, begun, committed, found, loaded

NUL = "a\0b\1c"
"""What PostgreSQL's texts cannot say, and what stands for it there."""

LOG = [
    message("a", "k1"),
    message("b", f"key {NUL}", metadata=b'{"m":[1.5,null]}', call=f"call {NUL}"),
    switch("coder"),
    record("todo", {"n": 2**70}),
    Item("record", "todo", {"removed": True}, form=REMOVAL),
]
SPENT = [
    Item("usage", "u", {"agent": f"agent {NUL}", "tokens": 2**53 - 1, "cost": 0.1}),
    message("answer", metadata=b'{"model":"m","usage":{"input_tokens":-5}}'),
]
REPORTS = [(1, ""), (2, "orchestrator")]
REWOUND = Settings(title=f"title {NUL}", archived=True, intervals=((2, 3), (5, None)))


def draft(key: str, offset: int, *added: str) -> DraftChunk:
    body = ",".join(f'["content","{text}"]' for text in added)
    return DraftChunk(key=key, offset=offset, role="assistant", at=NOON, body=f"[{body}]".encode())


CHUNKS = [draft(f"d {NUL}", 0, "🤔b"), draft("e", 0, "x"), draft(f"d {NUL}", 2, "c", "d")]


def fill(store: Store) -> None:
    """Writes something of every kind, also what is about to go for good."""
    lease = Lease(number=7, ends_at=at(40), ttl=30.5)
    plain, *_ = begun(
        store,
        born("plain", *LOG),
        born("", "an id of no length"),
        born("nothing"),
        born("spent", *SPENT, reports=REPORTS),
        born("spent too", *SPENT, reports=REPORTS),
        born(f"id {NUL}", "x", current_agent=f"agent {NUL}", last_switch_at=at(1), switch_count=3),
        born("rewound", *LOG[:4], message("c", "k1"), settings=REWOUND, message_count=2),
        born("held", "x", standing=Standing(lease=lease, waits_until=NEVER)),
        born("waits", "x", standing=Standing(waits_until=1_000)),
        born("writes", "x", drafts=CHUNKS),
        born("large", *("x" * 300_000 for _ in range(3))),
        delta(
            "gone",
            begins("x", *SPENT, reports=[(2, "a"), (3, "b")], end="purge"),
            begins("x", drafts=CHUNKS, end="trash", ended_at=at(2)),
            begins("z", end="trash", ended_at=at(3)),
            begins("y"),
        ),
    )
    records = record("r", 1), record("r", 2)
    [dropped] = begun(store, born("dropped", *records))
    committed(store, delta("dropped", follows(dropped, 2, *records, dropped=[1], floor=2)))
    # In another transaction, behind what others have written.
    committed(store, delta("plain", follows(plain, 5, *LOG, message("more", "k6"))))
    origin = Settings(forked_from=Origin("plain", 2), metadata=b'{"cwd":"/"}')
    begun(store, delta("fork", fork(plain, 2, *LOG[:2], "other", settings=origin)))
    # More than goes with the commit that ends it.
    many: list[Item | str] = [*SPENT, *["x"] * 2_500]
    [purged] = begun(store, born("purged", *many, reports=REPORTS))
    assert committed(store, delta("purged", follows(purged, 2_502, *many, end="purge"))).leftover


@contextmanager
def opened(url: str) -> Iterator[Store]:
    with closing(open_store(url)) as store:
        yield store


def everything(store: Store) -> dict[str, Any]:
    """What the store has to say of everything, but for the drafts of what is in the trash."""
    names = [info.session_id for info in store.list_sessions(EVERYTHING, MANY).sessions]
    trash = store.trash(MANY).sessions
    return {
        "living": [loaded(store, name) for name in names],
        "outlines": [store.load(name, 0) for name in names],
        "trash": [(one, found(store, one.no)) for one in trash],
        "count": store.count(),
        "waiting": store.waiting(0, MANY),
        "used": store.used("0", "9", MANY),
        "superseded": store.superseded(at(59), MANY),
    }


def filled(url: str) -> dict[str, Any]:
    """Makes a store with one of everything; what it has."""
    with opened(url) as store:
        fill(store)
        return everything(store)


def content(url: str) -> dict[str, Any]:
    with opened(url) as store:
        return everything(store)
