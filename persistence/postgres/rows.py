"""Rows of the tables: as columns, on their way in, and as what they say, on their way out.

Bodies and metadata are bytes on both ways, since nobody here looks into them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from persistence import intervals
from persistence.postgres.arrays import Blobs, Integers, Texts, blobs, bodies, integers, texts
from persistence.postgres.text import shown, shown_or_none
from persistence.used import UsedRow
from runtime import (
    DraftChunk,
    Entry,
    Header,
    Row,
    SessionInfo,
    Settings,
    Standing,
    shard_of,
)

Column = Texts | Integers | Blobs | list[Any]
"""What `unnest` takes. A list is of few rows, or of a type that is rare."""

ENTRY = """
seq, kind, key, at, convert_to(body, 'UTF8'), chain, convert_to(metadata, 'UTF8'), form, call
"""
"""The columns that `entry` reads. The texts that are large come as bytes, which is what they are on
the way anyway."""

INFO = """
s.session_id, s.message_count, s.last_activity, s.current_agent, s.created_at, s.version, t.title,
coalesce(t.archived, false), convert_to(coalesce(t.metadata, '{}'), 'UTF8')
"""
"""The columns that `info` reads, of `session AS s` and `settings AS t`."""


# -- out ---------------------------------------------------------------------------------------


def entries(rows: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Of the columns `ENTRY`."""
    return [
        (seq, kind, shown_or_none(key), at, body, chain, metadata, form, shown_or_none(call))
        for seq, kind, key, at, body, chain, metadata, form, call in rows
    ]


def info(row: Sequence[Any]) -> SessionInfo:
    """Of the columns `INFO`."""
    session_id, count, last_activity, agent, created_at, version, title, archived, metadata = row
    return SessionInfo(
        session_id=shown(session_id),
        message_count=count,
        last_activity=last_activity,
        current_agent=shown(agent),
        created_at=created_at,
        version=version,
        title=shown_or_none(title),
        archived=archived,
        metadata=metadata,
    )


# -- in ----------------------------------------------------------------------------------------


def starts(lives: Sequence[tuple[int, str, bytes, Header]]) -> list[Column]:
    """Of lives that begin: number, session id, root, header."""
    headers = [header for *_, header in lives]
    return [
        integers([no for no, *_ in lives]),
        texts([name for _, name, *_ in lives]),
        integers([shard_of(name) for _, name, *_ in lives]),
        blobs([root for _, _, root, _ in lives]),
        texts([header.created_at for header in headers]),
        *_moving(headers),
    ]


def continuations(lives: Sequence[tuple[int, str, int, Header]]) -> list[Column]:
    """Of lives that go on: number, session id, the version that is stored, header."""
    return [
        integers([no for no, *_ in lives]),
        texts([name for _, name, *_ in lives]),
        integers([after for _, _, after, _ in lives]),
        *_moving([header for *_, header in lives]),
    ]


def _moving(headers: Sequence[Header]) -> list[Column]:
    """What of a header may change."""
    return [
        texts([header.last_activity for header in headers]),
        integers([header.version for header in headers]),
        integers([header.message_count for header in headers]),
        texts([header.current_agent for header in headers]),
        integers([header.switch_count for header in headers]),
        texts([header.last_switch_at for header in headers]),
        integers([header.floor for header in headers]),
    ]


def settings(lives: Sequence[tuple[int, Settings]]) -> list[Column]:
    """Of `settings`."""
    said = [one for _, one in lives]
    origins = [one.forked_from for one in said]
    return [
        integers([no for no, _ in lives]),
        texts([one.title for one in said]),
        [one.archived for one in said],
        bodies([one.metadata for one in said]),
        texts([None if origin is None else origin.session_id for origin in origins]),
        [None if origin is None else origin.at for origin in origins],
        texts([intervals.encode(one.intervals) for one in said]),
    ]


def new_entries(entries: Sequence[tuple[int, Entry]]) -> list[Column]:
    """Of `entry`: the life's number, and the entry."""
    said = [entry for _, entry in entries]
    return [
        integers([no for no, _ in entries]),
        integers([entry.seq for entry in said]),
        integers([entry.form for entry in said]),
        texts([entry.kind for entry in said]),
        texts([entry.at for entry in said]),
        blobs([entry.chain for entry in said]),
        texts([entry.key for entry in said]),
        texts([entry.call for entry in said]),
        bodies([entry.metadata for entry in said]),
        bodies([entry.body for entry in said]),
    ]


def used(found: Sequence[UsedRow]) -> list[Column]:
    """Of `used`."""
    return [
        integers([row.no for row in found]),
        texts([row.day for row in found]),
        texts([row.agent for row in found]),
        texts([row.model for row in found]),
        texts([row.name for row in found]),
        [row.high for row in found],  # of either sign
        integers([row.low for row in found]),
        [row.part for row in found],
    ]


def standings(lives: Sequence[tuple[int, Standing]]) -> list[Column]:
    """Of `standing`."""
    leases = [standing.lease for _, standing in lives]
    return [
        integers([no for no, _ in lives]),
        [None if lease is None else lease.number for lease in leases],
        texts([None if lease is None else lease.ends_at for lease in leases]),
        [None if lease is None else lease.ttl for lease in leases],
        integers([standing.waits_until for _, standing in lives]),
    ]


def drafts(chunks: Sequence[tuple[int, DraftChunk]]) -> list[Column]:
    """Of `draft`."""
    said = [chunk for _, chunk in chunks]
    return [
        integers([no for no, _ in chunks]),
        texts([chunk.key for chunk in said]),
        integers([chunk.offset for chunk in said]),
        texts([chunk.role for chunk in said]),
        texts([chunk.at for chunk in said]),
        bodies([chunk.body for chunk in said]),
    ]
