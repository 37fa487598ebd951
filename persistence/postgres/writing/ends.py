"""Lives that end, and come back from the trash.

Each statement says of which lives it expects what: whatever another node does to a life at this
moment, either comes first, and the other one finds it so.
"""

from collections.abc import Iterable, Sequence

from persistence.postgres.arrays import integers, texts
from persistence.postgres.text import shown, stored
from persistence.postgres.writing.transaction import Transaction, expecting
from persistence.sequence import OutOfStep
from runtime import Change, Expire, Purge, Undelete, shard_of

_END = expecting(
    """
    UPDATE agent_runtime.session SET deleted_at = %s WHERE no = %s AND deleted_at IS NULL
    RETURNING 1
    """
)
_EXPIRE = """
UPDATE agent_runtime.session AS s SET deleted_at = n.moment
  FROM unnest(%s, %s, %s) AS n (session_id, before, moment)
 WHERE s.session_id = n.session_id AND s.deleted_at IS NULL AND s.last_activity < n.before
RETURNING s.no, s.session_id, s.deleted_at
"""
_PURGE = """
UPDATE agent_runtime.session SET deleted_at = '' WHERE no = ANY(%s) AND deleted_at > ''
RETURNING no
"""
_UNDELETE = """
UPDATE agent_runtime.session SET deleted_at = NULL, session_id = %s, shard = %s
 WHERE no = %s AND deleted_at > '' RETURNING 1
"""


def end(to: Transaction, session_id: str, no: int, change: Change) -> None:
    """Ends a life with its last change."""
    purge = change.end == "purge"
    to.execute(_END, ("" if purge else change.ended_at, no, 1))
    to.count(session_id, -1)
    if purge:
        to.written.purged.append(no)


def expire(to: Transaction, expiries: Sequence[tuple[str, Expire]]) -> None:
    """Ends those of the sessions that were not used for long. Raises `OutOfStep`."""
    if any(not step.purge and not step.ended_at for _, step in expiries):
        raise OutOfStep("a life ends without a moment")
    values = (
        texts([session_id for session_id, _ in expiries]),
        texts([step.before for _, step in expiries]),
        texts(["" if step.purge else step.ended_at for _, step in expiries]),
    )
    for no, name, moment in to.connection.execute(_EXPIRE, values).fetchall():
        session_id = shown(name)
        to.written.expired.append(session_id)
        to.count(session_id, -1)
        if not moment:
            to.written.purged.append(no)


def purge(to: Transaction, steps: Iterable[Purge]) -> None:
    """Marks those of the lives that are in the trash: they go for good."""
    numbers = integers([step.no for step in steps])
    to.written.purged += [no for (no,) in to.connection.execute(_PURGE, (numbers,)).fetchall()]


def undelete(to: Transaction, session_id: str, step: Undelete) -> None:
    """Brings a life back from the trash. Raises `OutOfStep`."""
    values = (stored(session_id), shard_of(session_id), step.no)
    if not to.connection.execute(_UNDELETE, values).fetchall():
        raise OutOfStep(f"life {step.no} is not in the trash")
    to.count(session_id, 1)
