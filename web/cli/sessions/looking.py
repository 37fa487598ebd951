"""`sessions` and `show`: what there is, beside whoever uses the database."""

import sys
from contextlib import closing

import click

from persistence import open_reader, without_password
from runtime import StoreUnavailable
from web.api.entries import shown_entry
from web.cli import terminal
from web.cli.exits import INTERRUPTED, exit_codes
from web.cli.sessions import listing
from web.cli.sessions.completion import session_ids
from web.cli.sessions.following import Followed
from web.cli.settings import COUNT, database
from web.cli.text import ascii_json, line


@click.command()
@database
@click.option(
    "--search", default="", metavar="TEXT", help="Only those with TEXT in their title or id."
)
@click.option(
    "--project",
    metavar="FOLDER",
    help="Only those that work in FOLDER or below it (`metadata.cwd`); . is the present one.",
)
@click.option(
    "--archived/--not-archived", default=None, help="Only archived ones, or only the others."
)
@click.option(
    "--trash", is_flag=True, help="Those that were deleted; `agent-runtime undelete` brings back."
)
@click.option("--limit", type=COUNT, help="Only so many, the most recent ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for programs.")
def sessions(
    db: str,
    search: str,
    project: str | None,
    archived: bool | None,
    trash: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Lists the sessions, the most recent first. Works beside a running service.

    What options ask for is asked for together: --project . --search login lists the sessions of
    this folder that are about a login.
    """
    choice = listing.Choice(
        search=search,
        folders=frozenset() if project is None else listing.names_of(project),
        archived=archived,
    )
    with exit_codes(), closing(open_reader(db)) as reader:
        show_all = listing.print_trash if trash else listing.print_living
        show_all(reader, choice, limit, as_json=as_json)


@click.command()
@click.argument("session_id", metavar="SESSION", shell_complete=session_ids)
@database
@click.option(
    "-f", "--follow", is_flag=True, help="Go on with what is committed, until CTRL_C or its end."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object per line, for programs: every entry, also what a rewind took back.",
)
def show(session_id: str, db: str, *, follow: bool, as_json: bool) -> None:
    """Prints a session's conversation. Works beside a running service.

    With --follow it goes on with each entry that is committed, whoever writes it; a rewind is one
    of them. It ends when the session is deleted.
    """
    with exit_codes(), closing(open_reader(db)) as reader:
        stored = reader.load(session_id, 0)
        if stored is None:
            raise click.ClickException(
                f"Session {line(session_id)} not found in {without_password(db)}; "
                "`agent-runtime sessions` lists all"
            )
        followed = Followed(reader, session_id, stored.no)
        entries = followed.until(stored.header.version)
        try:
            if as_json:
                for entry in entries:
                    click.echo(ascii_json(shown_entry(entry)))
            else:
                terminal.print_transcript(session_id, stored.header, stored.settings, entries)
            for entry in followed.on(_complain) if follow else ():
                if as_json:
                    click.echo(ascii_json(shown_entry(entry)))
                else:
                    terminal.print_entry(entry)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
    if follow:
        click.echo(f"agent-runtime: session {line(session_id)} was deleted", err=True)


def _complain(error: StoreUnavailable) -> None:
    click.echo(f"agent-runtime: {line(str(error))}; trying again", err=True)
