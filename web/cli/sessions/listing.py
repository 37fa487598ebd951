"""Which sessions are listed, and how: a table for people, JSON for machines."""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import click
import msgspec
from attrs import frozen

from runtime import (
    Listing,
    ListPosition,
    SessionInfo,
    SessionPage,
    TrashedSession,
    TrashPage,
    TrashPosition,
    trash_id_of,
)
from web.api.listing import SessionInfoOut
from web.api.trash import TrashedOut
from web.cli.text import Column, ascii_json, line, table, terminal_width

PAGE = 1_000
"""Sessions that are read at a time."""

PROJECT = "cwd"
"""The member of the metadata that names a project's folder, by common use."""


class Lists(Protocol):
    """Whatever lists sessions."""

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage: ...

    def trash(
        self, limit: int, after: TrashPosition | None = None, session_id: str | None = None
    ) -> TrashPage: ...

    def count(self) -> int: ...


@frozen(kw_only=True)
class Choice:
    """Which sessions are wanted."""

    search: str = ""
    """In the title or the id; whether letters are large or small does not matter."""
    folders: frozenset[str] = frozenset()
    """Names of one folder, in which the work is done, or below; none: anywhere."""
    archived: bool | None = None
    """`None`: both."""

    @property
    def is_of_all(self) -> bool:
        """Whether each session that a store lists is wanted."""
        return not self.search and not self.folders

    def has(self, info: SessionInfo) -> bool:
        """Whether this one is wanted."""
        if self.archived is not None and info.archived != self.archived:
            return False
        wanted = self.search.casefold()
        if not any(wanted in text.casefold() for text in (info.session_id, info.title or "")):
            return False
        return not self.folders or _is_within(info.metadata, self.folders)


def names_of(folder: str) -> frozenset[str]:
    """What a session may call a folder: as it is written, its path, and where links lead to.

    One of another machine has but the first.
    """
    names = (folder, os.path.abspath(folder), str(Path(folder).resolve()))  # noqa: PTH100
    return frozenset(_bare(name) for name in names)


def print_living(store: Lists, choice: Choice, limit: int | None, *, as_json: bool) -> None:
    """The sessions, the most recent first."""
    found: list[SessionInfo] = []
    total, after, more = 0, None, True
    listing = Listing(archived=choice.archived)
    while more:
        wanted = PAGE if limit is None or not choice.is_of_all else min(PAGE, limit - len(found))
        page = store.list_sessions(listing, wanted, after)
        found += filter(choice.has, page.sessions)
        total, after = page.total, page.next
        more = after is not None and (limit is None or len(found) < limit)
    found = found[:limit]
    if as_json:
        _print_json(map(SessionInfoOut.of, found))
    else:
        _print_table(found, [_times("LAST ACTIVITY", [info.last_activity for info in found])])
        shown = len(found)
        click.echo(f"{shown} sessions" if shown == total else f"{shown} of {total} sessions")


def print_trash(store: Lists, choice: Choice, limit: int | None, *, as_json: bool) -> None:
    """What was deleted and can come back, what was deleted last first."""
    found: list[TrashedSession] = []
    after, more = None, True
    while more:
        page = store.trash(PAGE, after)
        found += (trashed for trashed in page.sessions if choice.has(trashed.info))
        after = page.next
        more = after is not None and (limit is None or len(found) < limit)
    found = found[:limit]
    if as_json:
        _print_json(map(TrashedOut.of_trashed, found))
    else:
        ends = [
            _times("DELETED", [trashed.deleted_at for trashed in found]),
            Column("TRASH ID", [trash_id_of(trashed) for trashed in found], is_number=True),
        ]
        _print_table([trashed.info for trashed in found], ends)
        click.echo(f"{len(found)} sessions in the trash")


def _print_json(sessions: Iterable[msgspec.Struct]) -> None:
    for session in sessions:
        click.echo(ascii_json(msgspec.json.encode(session)))


def _print_table(sessions: Sequence[SessionInfo], times: Sequence[Column]) -> None:
    columns = [
        Column("SESSION", [line(info.session_id) for info in sessions], gives=1),
        Column("MESSAGES", [str(info.message_count) for info in sessions], is_number=True),
        *times,
        Column("AGENT", [line(info.current_agent) for info in sessions], gives=2, goes=True),
    ]
    if any(info.title for info in sessions):
        columns.append(Column("TITLE", [line(info.title or "") for info in sessions], gives=3))
    head, *rows = table(columns, terminal_width())
    click.secho(head, bold=True)
    for row in rows:
        click.echo(row)


def _times(name: str, moments: Sequence[str]) -> Column:
    """Moments: for whoever sits at a terminal, in its time zone and as short as it can be."""
    if terminal_width() is not None:
        local = (datetime.fromisoformat(moment).astimezone() for moment in moments)
        moments = [f"{moment:%Y-%m-%d %H:%M}" for moment in local]
    return Column(name, moments)


def _is_within(metadata: bytes, folders: frozenset[str]) -> bool:
    place = msgspec.json.decode(metadata).get(PROJECT)
    if not isinstance(place, str):
        return False
    place = _bare(place)
    return any(
        place == folder or place.startswith((f"{folder}/", f"{folder}\\")) for folder in folders
    )


def _bare(folder: str) -> str:
    """Without a separator at its end."""
    return folder.rstrip("/\\")
