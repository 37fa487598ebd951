"""Lives that begin with a copy of another one's entries: the database copies, a part a commit."""

from attrs import evolve

from persistence.parts import Part
from persistence.postgres import rows
from persistence.postgres.writing import ahead, changes
from persistence.postgres.writing.transaction import Transaction
from persistence.sequence import OutOfStep, check_fork, header_of_copy
from runtime import Fork

# What is written ahead of the source is not there yet.
_COPY = """
WITH copied AS (
    INSERT INTO agent_runtime.entry (no, seq, form, kind, at, chain, key, call, metadata, body)
    SELECT %(copy)s, e.seq, e.form, e.kind, e.at, e.chain, e.key, e.call, e.metadata, e.body
      FROM agent_runtime.session AS s JOIN agent_runtime.entry AS e ON e.no = s.no
     WHERE s.no = %(source)s AND s.deleted_at IS DISTINCT FROM ''
       AND e.seq BETWEEN %(low)s AND least(%(high)s, s.version)
    RETURNING octet_length(body) + coalesce(octet_length(metadata), 0) AS size
)
SELECT count(*), coalesce(sum(size), 0)::bigint FROM copied
"""
_SOURCE = """
SELECT floor FROM agent_runtime.session WHERE no = %s AND deleted_at IS DISTINCT FROM ''
"""


def fork(to: Transaction, session_id: str, step: Fork, sharers: int | None = None) -> None:
    """Copies; with `sharers`, so many have the room of this commit together. Raises `OutOfStep`."""
    check_fork(step)
    while not copy(to, session_id, step, sharers or 1):
        if sharers is not None:
            to.written.unfinished.append(session_id)
            return
    # Behind the last copy, in a statement of its own: the source's owner may drop bodies at this
    # moment, in a transaction that raises the floor as well. So it is at least that of the copy.
    found = to.connection.execute(_SOURCE, (step.source,)).fetchall()
    if not found:
        raise OutOfStep(f"life {step.source} is gone")
    header = header_of_copy(step, found[0][0])
    no = ahead.finish(to, session_id, step.root, header)
    assert no is not None, "a fork begins a life"
    to.execute(changes.SETTINGS, rows.settings([(no, step.settings)]))
    to.put(no, [step.entry])
    to.flush()


def copy(to: Transaction, session_id: str, step: Fork, sharers: int) -> bool:
    """Copies the next part of what a fork takes along; says whether that was the last one."""
    part = to.ahead.get(session_id)
    if part is not None and part.copies != (step.source, step.at):
        ahead.give_up(to, session_id)
        part = None
    if part is None:
        begun = ahead.begin(to, session_id, step.root, step.header)
        part = evolve(begun, copies=(step.source, step.at))
    low = part.upto + 1
    high = min(part.upto + to.room.copies_of(part, sharers=sharers), step.at)
    count, size = _copied(to, step.source, part, low, high)
    if count != high + 1 - low:
        raise OutOfStep(f"life {step.source} has not all entries up to {high}")
    pace = to.room.pace(count, size)
    to.ahead[session_id] = evolve(part, upto=high, pace=pace)
    return high == step.at


def _copied(to: Transaction, source: int, part: Part, low: int, high: int) -> tuple[int, int]:
    """How many entries were copied, and how many bytes of text they have."""
    if high < low:
        return 0, 0
    values = {"copy": part.no, "source": source, "low": low, "high": high}
    [(count, size)] = to.connection.execute(_COPY, values).fetchall()
    return count, size
