"""What the command line prints."""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
import msgspec

from runtime import (
    Entry,
    Listing,
    ListPosition,
    MiB,
    Row,
    SessionInfo,
    SessionPage,
    StoreUnavailable,
    Wanted,
    shown,
)

log = logging.getLogger("agent_runtime")

PAGE = 1_000
"""Sessions that are read at a time."""

LONGEST = 200
"""Characters that are shown of an entry that is no message: a record may hold megabytes."""


class Lists(Protocol):
    """Whatever lists sessions."""

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage: ...


class Head(Protocol):
    """What a store says of a session beside its log."""

    @property
    def message_count(self) -> int: ...
    @property
    def last_activity(self) -> str: ...
    @property
    def current_agent(self) -> str: ...


class Rare(Protocol):
    """What of that seldom changes."""

    @property
    def title(self) -> str | None: ...
    @property
    def intervals(self) -> Sequence[tuple[int, int | None]]: ...


def announce(db: str, durability: str, urls: list[str], sessions: int) -> None:
    """Says that the service serves: to the terminal, and to the log."""
    log.info("Loaded %d sessions from %s", sessions, db)
    where = " and ".join(urls)
    log.info("Serving on %s, durability %s", where, durability)
    click.echo(f"agent-runtime on {where} - {db}, {sessions} sessions, durability {durability}")
    sys.stdout.flush()


def print_sessions(store: Lists, limit: int | None, *, as_json: bool) -> None:
    """A table, or a JSON object per line; of all sessions without a limit."""
    found: list[SessionInfo] = []
    total, after, more = 0, None, True
    while more:
        wanted = PAGE if limit is None else min(PAGE, limit - len(found))
        page = store.list_sessions(Listing(), wanted, after)
        found += page.sessions
        total, after = page.total, page.next
        more = after is not None and (limit is None or len(found) < limit)
    if as_json:
        _print_json(found)
    else:
        _print_table(found, total)


def _print_json(sessions: Iterable[SessionInfo]) -> None:
    for session in sessions:
        members = {
            "session_id": session.session_id,
            "message_count": session.message_count,
            "last_activity": session.last_activity,
            "current_agent": session.current_agent,
        }
        click.echo(json.dumps(members))


def _print_table(sessions: Sequence[SessionInfo], total: int) -> None:
    ids = [_line(session.session_id) for session in sessions]
    width = max(map(len, ["SESSION", *ids]))
    click.echo(f"{'SESSION':{width}}  MESSAGES  {'LAST ACTIVITY':24}  AGENT")
    for session_id, session in zip(ids, sessions, strict=True):
        click.echo(
            f"{session_id:{width}}  {session.message_count:8}  "
            f"{session.last_activity:24}  {_line(session.current_agent)}"
        )
    shown = len(sessions)
    click.echo(f"{shown} sessions" if shown == total else f"{shown} of {total} sessions")


def entries_of(find: Callable[[Wanted], Sequence[Row]], last: int) -> Iterator[Entry]:
    """A session's entries up to `last`, read while they are printed, however many they are.

    Raises `StoreError`.
    """
    seqs = range(1, last + 1)
    while seqs:
        rows = find(Wanted(seqs=seqs, room=MiB))
        if not rows:
            raise StoreUnavailable("The session was deleted for good while it was being printed")
        yield from (Entry(*row) for row in rows)
        seqs = seqs[len(rows) :]


def print_transcript(session_id: str, header: Head, rare: Rare, entries: Iterable[Entry]) -> None:
    """The conversation, readable; control characters in it are made visible.

    Also those of ids, agents and roles: a database that was taken over may have any. What a rewind
    has taken back is left out.
    """
    click.secho(f"Session {_line(session_id)}", bold=True)
    if rare.title:
        click.echo(_line(rare.title))
    click.echo(
        f"{header.message_count} messages, last activity {header.last_activity}, "
        f"agent {_line(header.current_agent)}"
    )
    for entry in entries:
        if any(
            low <= entry.seq and (high is None or entry.seq <= high) for low, high in rare.intervals
        ):
            _print_entry(entry)


def _print_entry(entry: Entry) -> None:
    match entry.kind:
        case "message":
            message = msgspec.json.decode(shown(entry))
            name = f" ({_line(message['name'])})" if message.get("name") else ""
            _print_heading(entry, f"{_line(message['role'])}{name}")
            for line in _spoken(message):
                click.echo(line)
        case "switch":
            body = msgspec.json.decode(entry.body)
            _print_heading(entry, f"{_line(body['from'])} -> {_line(body['to'])}")
            if body["reason"]:
                click.echo(_line(body["reason"]))
        case _:
            key = "" if entry.key is None else f" {_line(entry.key)}"
            _print_heading(entry, f"{_line(entry.kind)}{key}")
            text = entry.body.decode()
            click.echo(_line(text if len(text) <= LONGEST else text[:LONGEST] + " …"))


def _print_heading(entry: Entry, what: str) -> None:
    click.echo()
    click.secho(f"#{entry.seq} {what}  {entry.at}", bold=True)


def _spoken(message: Mapping[str, Any]) -> Iterator[str]:
    """The lines that say what a message, as a history shows it, says."""
    parts = message.get("content_parts", message.get("parts"))
    if isinstance(parts, list):
        for part in parts:
            yield from _part(part)
    elif message["content"]:
        yield _visible(message["content"])
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        yield from _call(call)


def _part(part: Any) -> Iterator[str]:
    """A part of a message's content; of a picture, or what else no terminal shows, its type."""
    match part:
        case str():
            yield _visible(part)
        case {"type": "tool_use", "name": str(name)}:
            yield _called(name, part.get("input"))
        case {"functionCall": {"name": str(name), **more}}:
            yield _called(name, more.get("args"))
        case {"type": "tool_result", "content": list(inner)}:
            for one in inner:
                yield from _part(one)
        case {"type": "tool_result", "content": str(text)} | {"text": str(text)}:
            yield _visible(text)
        case {"thinking": str(text)}:
            yield f"[thinking] {_visible(text)}"
        case {"type": str(kind)}:
            yield f"[{_line(kind)}]"
        case _:
            yield f"[{_line(_json(part)[:LONGEST])}]"


def _call(call: Any) -> Iterator[str]:
    match call:
        case {"function": {"name": str(name), **more}}:
            yield _called(name, more.get("arguments"))
        case {"name": str(name), **more}:
            yield _called(name, more.get("arguments", more.get("args")))
        case _:
            yield f"-> {_line(_json(call)[:LONGEST])}"


def _called(name: str, arguments: Any) -> str:
    said = arguments if isinstance(arguments, str) else _json(arguments or {})
    return f"-> {_line(name)}({_visible(said)})"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _line(text: str) -> str:
    """The same for what belongs on one line."""
    return _visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _visible(text: str) -> str:
    """Keeps text from steering the terminal: escape sequences become their names."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; yields what is to be called with what is done and the whole."""
    with steps(label) as show:
        yield lambda done, whole: show(label, done, whole)


@contextmanager
def steps(label: str = "Upgrading") -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar through several steps; yields what is to be called with the step, too."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(step: str, done: int, whole: int) -> None:
            bar.label = step.capitalize()
            bar.length = max(whole, 1)
            bar.update(done - bar.pos)

        yield show
