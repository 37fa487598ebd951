"""What else has an entry from which a value was taken: other sessions, and files.

A fork has entries of its own, and so has what was imported under another id, or lies in the trash.
All of them begin with the same root, and the entry has kept its number, its time and its key.
"""

from collections.abc import Iterable, Sequence

import trio
from attrs import frozen

from runtime.errors import InvalidInput
from runtime.loading import Loading
from runtime.session.asked.redaction import redacted
from runtime.session.bodies.pointing import Path
from runtime.session.kinds.table import KINDS
from runtime.store.entries import Entry, Row, Wanted
from runtime.store.store import Store

MOST = 1_000
"""Sessions that are looked at: each is a look at the store."""


@frozen(kw_only=True)
class Copy:
    """A session that still has the value in an entry of the same number."""

    session_id: str
    trash_id: str | None
    """Where it lies in the trash; `None`: it lives."""


@frozen(kw_only=True)
class Place:
    """The value that was taken away."""

    session_id: str
    root: bytes
    entry: Entry
    """As it is now."""
    path: Path


async def sessions_with(store: Store, loading: Loading, place: Place) -> Sequence[Copy]:
    """Other sessions that have it. Raises `StoreError`."""
    found = []
    wanted = Wanted(seqs=[place.entry.seq])
    for no, session_id, is_trashed in await loading.read(store.of_root, place.root, MOST):
        is_other = is_trashed or session_id != place.session_id
        if is_other and await loading.read(lambda no: _has(store.find(no, wanted), place), no):
            found.append(Copy(session_id=session_id, trash_id=str(no) if is_trashed else None))
    return found


async def files_with(store: Store, place: Place) -> Sequence[str]:
    """Names of copies of the store that have it. Raises `StoreError`."""
    # However long it takes: there may be many backups, each as large as the store, and who asks
    # again would wait as long.
    return await trio.to_thread.run_sync(_files_with, store, place, abandon_on_cancel=True)


def _files_with(store: Store, place: Place) -> Sequence[str]:
    copies = store.copies(place.root, place.entry.seq)
    return sorted({name for name, row in copies if _has([row], place)})


def _has(rows: Iterable[Row], place: Place) -> bool:
    now = place.entry
    for row in rows:
        found = Entry(*row)
        if (found.kind, found.key, found.at) == (now.kind, now.key, now.at):
            try:
                return redacted(KINDS, found, place.path) is not None
            except InvalidInput:
                return False  # what is there has no such place
    return False
