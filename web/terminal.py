"""What the command line prints."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from runtime import SessionPage
from runtime.session.message import decode_message
from runtime.store import StoredSession

log = logging.getLogger("agent_runtime")


def announce(db: str, durability: str, urls: list[str], sessions: int) -> None:
    """Says that the service serves: to the terminal, and to the log."""
    log.info("Loaded %d sessions from %s", sessions, db)
    where = " and ".join(urls)
    log.info("Serving on %s, durability %s", where, durability)
    click.echo(f"agent-runtime on {where} - {db}, {sessions} sessions, durability {durability}")
    sys.stdout.flush()


def print_sessions(page: SessionPage, *, as_json: bool) -> None:
    """A table, or a JSON object per line."""
    if as_json:
        for session in page.sessions:
            click.echo(
                json.dumps(
                    {
                        "session_id": session.session_id,
                        "message_count": session.message_count,
                        "last_activity": session.last_activity,
                        "current_agent": session.current_agent,
                    }
                )
            )
        return
    ids = [_line(session.session_id) for session in page.sessions]
    width = max(map(len, ["SESSION", *ids]))
    click.echo(f"{'SESSION':{width}}  MESSAGES  {'LAST ACTIVITY':24}  AGENT")
    for session_id, session in zip(ids, page.sessions, strict=True):
        click.echo(
            f"{session_id:{width}}  {session.message_count:8}  "
            f"{session.last_activity:24}  {_line(session.current_agent)}"
        )
    shown = len(page.sessions)
    click.echo(f"{shown} sessions" if shown == page.total else f"{shown} of {page.total} sessions")


def print_transcript(session_id: str, stored: StoredSession) -> None:
    """The conversation, readable; control characters in it are made visible.

    Also those of ids, agents and roles: a database that was taken over may have any.
    """
    header = stored.header
    click.secho(f"Session {_line(session_id)}", bold=True)
    click.echo(
        f"{header.message_count} messages, last activity {header.last_activity}, "
        f"agent {_line(header.current_agent)}"
    )
    for switch in stored.switches:
        click.echo(
            f"  {switch.timestamp}  {_line(switch.from_agent)} -> {_line(switch.to_agent)}  "
            f"{_line(switch.reason)}"
        )
    for seq, entry in enumerate(stored.entries, start=1):
        message = decode_message(entry)
        name = f" ({_line(message.name)})" if message.name else ""
        click.echo()
        click.secho(f"#{seq} {_line(message.role)}{name}  {entry.timestamp}", bold=True)
        if message.content:
            click.echo(_visible(message.content))
        for call in message.tool_calls or ():
            click.echo(f"-> {_line(call.function.name)}({_visible(call.function.arguments)})")


def _line(text: str) -> str:
    """The same for what belongs on one line."""
    return _visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _visible(text: str) -> str:
    """Keeps text from steering the terminal: escape sequences become their names."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; yields what is to be called with what is done and the whole."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, whole: int) -> None:
            bar.length = max(whole, 1)
            bar.update(done - bar.pos)

        yield show
