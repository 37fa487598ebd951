"""What the command line prints."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
import msgspec

from runtime import Entry, shown
from web.cli.text import line, visible

log = logging.getLogger("agent_runtime")

LONGEST = 200
"""Characters that are shown of an entry that is no message: a record may hold megabytes."""


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


def print_transcript(session_id: str, header: Head, rare: Rare, entries: Iterable[Entry]) -> None:
    """The conversation, readable; control characters in it are made visible.

    Also those of ids, agents and roles: a database that was taken over may have any. What a rewind
    has taken back is left out.
    """
    click.secho(f"Session {line(session_id)}", bold=True)
    if rare.title:
        click.echo(line(rare.title))
    click.echo(
        f"{header.message_count} messages, last activity {header.last_activity}, "
        f"agent {line(header.current_agent)}"
    )
    for entry in entries:
        if any(
            low <= entry.seq and (high is None or entry.seq <= high) for low, high in rare.intervals
        ):
            print_entry(entry)


def print_entry(entry: Entry) -> None:
    """An entry, as a person reads it."""
    match entry.kind:
        case "message":
            message = msgspec.json.decode(shown(entry))
            name = f" ({line(message['name'])})" if message.get("name") else ""
            _print_heading(entry, f"{line(message['role'])}{name}")
            for spoken in _spoken(message):
                click.echo(spoken)
        case "switch":
            body = msgspec.json.decode(entry.body)
            _print_heading(entry, f"{line(body['from'])} -> {line(body['to'])}")
            if body["reason"]:
                click.echo(line(body["reason"]))
        case "rewind":
            to = msgspec.json.decode(entry.body)["to"]
            _print_heading(entry, "rewind")
            click.echo(f"What counts now is what counted when entry {to} was the last")
        case _:
            key = "" if entry.key is None else f" {line(entry.key)}"
            _print_heading(entry, f"{line(entry.kind)}{key}")
            text = entry.body.decode()
            click.echo(line(text if len(text) <= LONGEST else text[:LONGEST] + " …"))


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
        yield visible(message["content"])
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        yield from _call(call)


def _part(part: Any) -> Iterator[str]:
    """A part of a message's content; of a picture, or what else no terminal shows, its type."""
    match part:
        case str():
            yield visible(part)
        case {"type": "tool_use", "name": str(name)}:
            yield _called(name, part.get("input"))
        case {"functionCall": {"name": str(name), **more}}:
            yield _called(name, more.get("args"))
        case {"type": "tool_result", "content": list(inner)}:
            for one in inner:
                yield from _part(one)
        case {"type": "tool_result", "content": str(text)} | {"text": str(text)}:
            yield visible(text)
        case {"thinking": str(text)}:
            yield f"[thinking] {visible(text)}"
        case {"type": str(kind)}:
            yield f"[{line(kind)}]"
        case _:
            yield f"[{line(_json(part)[:LONGEST])}]"


def _call(call: Any) -> Iterator[str]:
    match call:
        case {"function": {"name": str(name), **more}}:
            yield _called(name, more.get("arguments"))
        case {"name": str(name), **more}:
            yield _called(name, more.get("arguments", more.get("args")))
        case _:
            yield f"-> {line(_json(call)[:LONGEST])}"


def _called(name: str, arguments: Any) -> str:
    said = arguments if isinstance(arguments, str) else _json(arguments or {})
    return f"-> {line(name)}({visible(said)})"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; yields what is to be called with what is done and the whole."""
    with steps(label) as show:
        yield lambda done, whole: show(label, done, whole)


@contextmanager
def steps(label: str = "Upgrading") -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar through several steps; yields what is to be called with the step, too.

    On a terminal: who reads anything else, such as the mail of a nightly job, gets none of it.
    """
    if not sys.stderr.isatty():
        yield lambda _step, _done, _whole: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(step: str, done: int, whole: int) -> None:
            bar.label = step.capitalize()
            bar.length = max(whole, 1)
            bar.update(done - bar.pos)

        yield show
        bar.update((bar.length or 1) - bar.pos)
