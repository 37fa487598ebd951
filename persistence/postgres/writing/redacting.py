"""A life in which one entry says something else is written beside the old one, and takes its place.

It is made as a fork is: ahead, a part with each commit, seen by nobody. The entries before the
changed one are copied by the database; those from it on are read, and written with other chains.
The last part, the end of the old life and the beginning of the new one are one commit. After a
crash there is the one or the other, and what is left of the other one is purged.
"""

from attrs import evolve

from persistence.parts import Part
from persistence.postgres import rows
from persistence.postgres.text import stored
from persistence.postgres.writing import ahead, changes, forks
from persistence.postgres.writing.transaction import Transaction, expecting
from persistence.rechained import Rechained, unchanged
from persistence.sequence import OutOfStep
from runtime import Entry, Redact, Settings

_IS_AT = """
SELECT 1 FROM agent_runtime.session
 WHERE no = %s AND session_id = %s AND version = %s AND deleted_at IS NULL
"""
_CHAIN = "SELECT chain FROM agent_runtime.entry WHERE no = %s AND seq = %s"
# As many as there is room for, one in any case.
_ENTRIES = f"""
SELECT {rows.ENTRY}
  FROM (SELECT e.*, octet_length(body) + coalesce(octet_length(metadata), 0) AS size,
               sum(octet_length(body) + coalesce(octet_length(metadata), 0))
                   OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS total
          FROM agent_runtime.entry AS e WHERE no = %s AND seq BETWEEN %s AND %s) AS e
 WHERE total - size < %s ORDER BY seq
"""  # noqa: S608 (names of our own)
_END = expecting(
    """
    UPDATE agent_runtime.session SET deleted_at = '' WHERE no = %s AND deleted_at IS NULL
    RETURNING 1
    """
)
# What is not taken along goes with the row of the old life.
_STANDING = "UPDATE agent_runtime.standing SET no = %s WHERE no = %s"
_DRAFTS = """
UPDATE agent_runtime.draft SET no = %s WHERE no = %s AND key IS DISTINCT FROM %s
"""
_USED = "UPDATE agent_runtime.used SET no = %s WHERE no = %s"


def redact(to: Transaction, session_id: str, step: Redact, *, sharers: int) -> None:
    """Writes the next part. Raises `OutOfStep`.

    `sharers` have the room of this commit together.
    """
    connection, version = to.connection, step.header.version
    at = (step.no, stored(session_id), version)
    if not connection.execute(_IS_AT, at).fetchall():
        raise OutOfStep(f"life {step.no} is not the living session of this id, or has changed")
    part = to.ahead.get(session_id)
    before = step.entry.seq - 1
    if part is None or part.upto < before:
        if not forks.copy(to, session_id, unchanged(step), sharers):
            to.written.unfinished.append(session_id)
            return
        part = to.ahead[session_id]
    some = _rechained(to, step, part, sharers)
    if not some:
        raise OutOfStep(f"life {step.no} has no entry {part.upto + 1}")
    to.put(part.no, some)
    to.flush()
    to.ahead[session_id] = evolve(part, upto=some[-1].seq, chain=some[-1].chain)
    if some[-1].seq < version:
        to.written.unfinished.append(session_id)
    else:
        _change_places(to, session_id, step)


def _rechained(to: Transaction, step: Redact, part: Part, sharers: int) -> list[Entry]:
    """The next entries, as many as one commit has room for."""
    low = part.upto + 1
    count = max(to.room.entries // sharers, to.room.least)
    size = to.room.size // sharers
    wanted = (step.no, low, min(low + count - 1, step.header.version), size)
    found = to.connection.cursor(binary=True).execute(_ENTRIES, wanted).fetchall()
    chained = Rechained(step.entry, _chain(to, part, step))
    some = [chained.next(row) for row in rows.entries(found)]
    if [entry.seq for entry in some] != list(range(low, low + len(some))):
        raise OutOfStep(f"life {step.no} has not all of its entries")
    return some


def _chain(to: Transaction, part: Part, step: Redact) -> bytes:
    if not part.upto:
        return step.root
    if part.chain:
        return part.chain
    [(chain,)] = to.connection.execute(_CHAIN, (step.no, part.upto)).fetchall()
    return bytes(chain)


def _change_places(to: Transaction, session_id: str, step: Redact) -> None:
    to.execute(_END, (step.no, 1))
    to.count(session_id, -1)
    no = ahead.finish(to, session_id, step.root, step.header)
    assert no is not None, "it was begun"
    if step.settings != Settings():
        to.execute(changes.SETTINGS, rows.settings([(no, step.settings)]))
    to.execute(_STANDING, (no, step.no))
    gone = None if step.draft_gone is None else stored(step.draft_gone)
    to.execute(_DRAFTS, (no, step.no, gone))
    to.execute(_USED, (no, step.no))
    to.written.purged.append(step.no)
