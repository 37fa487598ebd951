"""`export` and `import`: sessions leave as files, and come in from files.

An export reads beside whoever uses the database. An import is done by who owns it: this process,
while no service does, and else the service, which is asked with `--url`.
"""

import sys
from contextlib import closing
from os import environ
from pathlib import Path

import click
import trio

from persistence import can_be_shared, open_reader, open_store, without_password
from runtime import CannotOpenStore, Store, StoreInUse, open_runtime
from web.access.token import load_token
from web.cli import terminal
from web.cli.exchange.importing import Import, Outcome, Progress
from web.cli.exchange.reading import OWN
from web.cli.exchange.targets import Own, Running
from web.cli.exchange.writing import all_ids, log_lines, opened, write
from web.cli.exits import exit_codes
from web.cli.sessions.asking import Service
from web.cli.sessions.changing import ASK, owned
from web.cli.sessions.completion import session_ids
from web.cli.settings import database
from web.cli.text import line
from web.formats import FORMATS


@click.command("export")
@click.argument("session_id", metavar="[SESSION]", required=False, shell_complete=session_ids)
@database
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Instead of stdout."
)
@click.option("--all", "whole", is_flag=True, help="All sessions, one behind the other.")
def export_command(session_id: str | None, db: str, output: Path | None, *, whole: bool) -> None:
    """Writes all of SESSION as JSON lines, which `import` takes in anywhere.

    The same as GET /api/v1/sessions/SESSION/export. Works beside a running service.
    """
    if whole == (session_id is not None):
        raise click.UsageError("Name a SESSION, or say --all")
    with exit_codes(), closing(open_reader(db)) as reader:
        ids = all_ids(reader) if session_id is None else [session_id]
        exported = entries = 0
        with terminal.progress("Exporting") as show_progress, opened(output) as out:
            for place, one in enumerate(ids, 1):
                lines = log_lines(reader, one)
                if lines is not None:
                    entries += write(lines, out)
                    exported += 1
                elif session_id is not None:
                    raise click.ClickException(
                        f"Session {one} not found in {without_password(db)}; "
                        "`agent-runtime sessions` lists all"
                    )
                show_progress(place, len(ids))
    if output is not None:
        click.echo(f"Exported {exported} sessions, {entries} entries, to {output}")


@click.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@owned
@click.option(
    "--format",
    "name",
    type=click.Choice(["auto", OWN, *sorted(FORMATS)]),
    default="auto",
    show_default=True,
    help="Who wrote the files; auto: found out for each.",
)
@click.option("--as", "as_id", metavar="ID", help="Another id, for a file of one session.")
def import_command(
    files: tuple[Path, ...],
    db: str,
    url: str | None,
    token_file: Path | None,
    name: str,
    as_id: str | None,
) -> None:
    """Takes in sessions that were exported, and transcripts of other agents; folders, too.

    With their times. The same FILE again has no effect, and one that has become longer brings the
    rest. Lines that nobody knows are kept as records. Needs the database for itself, or a running
    service at --url.
    """
    with exit_codes():
        with terminal.progress("Importing") as show_progress:
            outcome = trio.run(_bring, files, db, url, token_file, name, as_id, show_progress)
        for told in outcome.lines():
            click.echo(told)
        for problem in outcome.problems:
            click.echo(f"agent-runtime: {line(problem)}", err=True)
        if outcome.problems:
            sys.exit(1)


async def _bring(
    files: tuple[Path, ...],
    db: str,
    url: str | None,
    token_file: Path | None,
    name: str,
    as_id: str | None,
    progress: Progress,
) -> Outcome:
    if url is not None:
        target = Running(Service.at(url, load_token(token_file, environ)))
        return await Import(target, name, as_id, progress).run(files)
    async with open_runtime(_opened(db)) as runtime:
        return await Import(Own(runtime), name, as_id, progress).run(files)


def _opened(db: str) -> Store:
    """The store, made if it is not there, that no service may be using."""
    if can_be_shared(db):
        raise CannotOpenStore(
            f"{without_password(db)} is changed by the services that share it", ASK
        )
    try:
        return open_store(db)
    except StoreInUse as error:
        raise CannotOpenStore(error.problem, ASK) from error
