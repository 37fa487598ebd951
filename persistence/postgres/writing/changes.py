"""Lives that begin and go on: what most deltas are. Many of them go with one statement a table.

Each statement finds exactly the lives that its changes build on. In any other case it finds fewer
rows than it should, which is how a gap, a repetition or another life shows; or a constraint is
violated, where a session lives already.
"""

from collections.abc import Sequence

from persistence.postgres import rows
from persistence.postgres.arrays import integers, texts
from persistence.postgres.writing import ahead, used
from persistence.postgres.writing.transaction import Transaction, expecting
from persistence.sequence import OutOfStep, check_change
from runtime import (
    DROPPED,
    Amounts,
    Change,
    DraftChunk,
    Entry,
    Header,
    Settings,
    Standing,
    digest,
    used_in,
)

Append = tuple[str, Change, Sequence[Entry]]
"""A change under its session's id, and those of its entries that are not there yet."""

_BEGIN = """
INSERT INTO agent_runtime.session
       (no, session_id, shard, root, created_at, last_activity, version, message_count,
        current_agent, switch_count, last_switch_at, floor)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CONTINUE = expecting(
    """
    UPDATE agent_runtime.session AS s
       SET last_activity = n.last_activity, version = n.version, message_count = n.message_count,
           current_agent = n.current_agent, switch_count = n.switch_count,
           last_switch_at = n.last_switch_at, floor = n.floor
      FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
           AS n (no, session_id, after, last_activity, version, message_count, current_agent,
                 switch_count, last_switch_at, floor)
     WHERE s.no = n.no AND s.session_id = n.session_id AND s.version = n.after
       AND s.deleted_at IS NULL RETURNING 1
    """
)
SETTINGS = """
INSERT INTO agent_runtime.settings
       (no, title, archived, metadata, forked_from_id, forked_at, intervals)
SELECT * FROM unnest(%s, %s, %s::bool[], %s, %s, %s::bigint[], %s)
    ON CONFLICT (no) DO UPDATE
   SET title = excluded.title, archived = excluded.archived, metadata = excluded.metadata,
       forked_from_id = excluded.forked_from_id, forked_at = excluded.forked_at,
       intervals = excluded.intervals
"""
_STANDING = """
INSERT INTO agent_runtime.standing (no, lease, lease_ends_at, lease_ttl, waits_until)
SELECT * FROM unnest(%s, %s::bigint[], %s, %s::float8[], %s)
    ON CONFLICT (no) DO UPDATE
   SET lease = excluded.lease, lease_ends_at = excluded.lease_ends_at,
       lease_ttl = excluded.lease_ttl, waits_until = excluded.waits_until
"""
_DRAFTS_GONE = """
DELETE FROM agent_runtime.draft AS d USING unnest(%s, %s) AS n (no, key)
 WHERE d.no = n.no AND d.key = n.key
"""
# In the order of the columns: their own numbers say in which one they came.
_DRAFTS = """
INSERT INTO agent_runtime.draft (no, key, start, role, at, body)
SELECT no, key, start, role, at, body
  FROM unnest(%s, %s, %s, %s, %s, %s) WITH ORDINALITY AS n (no, key, start, role, at, body, place)
 ORDER BY place
"""
_RECORDS = """
SELECT e.seq, convert_to(e.body, 'UTF8'), convert_to(e.metadata, 'UTF8'), e.form
  FROM agent_runtime.entry AS e JOIN agent_runtime.session AS s ON s.no = e.no
 WHERE e.no = %s AND e.seq = ANY(%s) AND e.seq <= s.version AND e.kind = 'record'
"""
_DROP = """
UPDATE agent_runtime.entry AS e SET body = n.body, metadata = NULL, form = n.form
  FROM unnest(%s, %s, %s) AS n (seq, body, form) WHERE e.no = %s AND e.seq = n.seq
"""


def change(to: Transaction, changes: Sequence[Append]) -> list[int]:
    """Applies changes, all but their ends; returns the lives, one for each. Raises `OutOfStep`.

    Nothing is waited for, unless one of them drops bodies.
    """
    lives: list[int] = []
    starts: list[tuple[int, str, bytes, Header]] = []
    continuations: list[tuple[int, str, int, Header]] = []
    settings: list[tuple[int, Settings]] = []
    standings: list[tuple[int, Standing]] = []
    gone: list[tuple[int, str]] = []
    drafts: list[tuple[int, DraftChunk]] = []
    dropping: list[tuple[int, Sequence[int]]] = []
    spent: list[tuple[int, Amounts]] = []
    for session_id, change, rest in changes:
        check_change(change)
        no = change.no
        finished = ahead.finish(to, session_id, change.root, change.header)
        if no is not None:
            continuations.append((no, session_id, change.after, change.header))
        elif finished is not None:
            no = finished
        else:
            no = to.written.begun[session_id] = to.numbers.take()
            starts.append((no, session_id, change.root, change.header))
            to.count(session_id, 1)
        if change.settings is not None:
            settings.append((no, change.settings))
        if change.standing is not None:
            standings.append((no, change.standing))
        gone += [(no, key) for key in change.drafts_gone]
        drafts += [(no, chunk) for chunk in change.drafts]
        to.put(no, rest)
        if change.reports:
            spent.append((no, used_in(change)))
        if change.dropped:
            dropping.append((no, change.dropped))
        lives.append(no)
    if starts:
        to.execute(_BEGIN, rows.starts(starts))
    if continuations:
        to.execute(_CONTINUE, (*rows.continuations(continuations), len(continuations)))
    if settings:
        to.execute(SETTINGS, rows.settings(settings))
    to.flush()
    if spent:
        used.add(to.execute, spent)
    for no, numbers in dropping:
        _drop(to, no, numbers)
    if standings:
        to.execute(_STANDING, rows.standings(standings))
    if gone:
        to.execute(
            _DRAFTS_GONE, (integers([no for no, _ in gone]), texts([key for _, key in gone]))
        )
    if drafts:
        to.execute(_DRAFTS, rows.drafts(drafts))
    return lives


def _drop(to: Transaction, no: int, numbers: Sequence[int]) -> None:
    """Puts digests in the place of bodies, which are read for it."""
    wanted = (no, integers(numbers))
    records = to.connection.cursor(binary=True).execute(_RECORDS, wanted).fetchall()
    if missing := set(numbers) - {record[0] for record in records}:
        raise OutOfStep(f"entry {min(missing)} is no record")
    dropped = [
        (seq, f'{{"dropped":"{digest(body, metadata, form).hex()}"}}', form | DROPPED)
        for seq, body, metadata, form in records
        if not form & DROPPED
    ]
    if dropped:
        seqs, rests, forms = zip(*dropped, strict=True)
        to.execute(_DROP, (integers(seqs), texts(rests), integers(forms), no))
