"""The command `agent-runtime`, and the composition root: here the parts meet.

Every option of `serve`, and `--db` everywhere, can also be given as `AGENT_RUNTIME_` and its name,
in the environment.
"""

import io
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from os import environ
from pathlib import Path
from typing import Any, get_args

import click
import trio
from attrs import evolve

from persistence import (
    QuickCheck,
    back_up,
    can_be_shared,
    move,
    open_store,
    restore,
    restore_hint,
    upgrade,
    verify,
    without_password,
)
from runtime import CannotOpenStore, Store, StoreInUse, open_runtime
from web.cli import terminal
from web.cli.exits import INTERRUPTED, exit_codes
from web.cli.lazy import LazyGroup
from web.cli.logs import open_log
from web.cli.service import run
from web.cli.settings import HOURS, database, option, service_config, service_options
from web.cli.sharing import sharing_of
from web.cli.sinks import unblocked_terminal
from web.cli.watch import Stop, watched

CLEANUP = "POST /api/v1/maintenance/cleanup"


@click.group(
    cls=LazyGroup,
    elsewhere={
        "completion": "web.cli.sessions.completion:completion",
        "export": "web.cli.exchange.carrying:export_command",
        "fork": "web.cli.sessions.changing:fork",
        "import": "web.cli.exchange.carrying:import_command",
        "rewind": "web.cli.sessions.changing:rewind",
        "search": "web.cli.found:search",
        "sessions": "web.cli.sessions.looking:sessions",
        "show": "web.cli.sessions.looking:show",
        "undelete": "web.cli.sessions.changing:undelete",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version("agent-runtime"), message="agent-runtime %(version)s")
def main() -> None:
    """Keeps the chats of AI-agent IDEs through every restart."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        # https://no-color.org; else click colours whatever goes to a terminal.
        click.get_current_context().color = False
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Chats hold any character; a terminal's encoding may not.
        sys.stdout.reconfigure(errors="backslashreplace")


@main.command()
@database
@service_options
@option(
    "--quick-check",
    default="auto",
    type=click.Choice(get_args(QuickCheck)),
    help="Search the database for damage at the start; auto: unless it is very large.",
)
def serve(**settings: Any) -> None:
    """Serves the REST API until a signal: SIGTERM, SIGINT (CTRL_C), SIGHUP, on Windows CTRL_BREAK.

    Exit codes: 0 ended in order, also while it was starting; 3 could not start; 4 the disk failed
    for good; 5 the disk did not take everything in time; 6 ended by a second signal, or because the
    end took too long; 7 other nodes had found this one dead: start it again.
    """
    with unblocked_terminal(), exit_codes():
        watched(partial(_serve, settings))


def _serve(settings: Mapping[str, Any], stop: Stop) -> None:
    config = service_config(settings)
    db = settings["db"]
    sharing = sharing_of(settings, can_be_shared=can_be_shared(db))
    with open_log(_path(settings["log_file"]), settings["log_level"]):
        store = open_store(
            db,
            quick_check=settings["quick_check"],
            advertise=None if sharing is None else sharing.address,
        )
        if sharing is not None:
            config = evolve(config, node_token=sharing.token or store.node_secret)
        announce = partial(terminal.announce, without_password(db), config.runtime.durability)
        trio.run(run, store, config, announce, stop)


@main.command()
@database
@click.option(
    "--max-age-hours",
    default=24.0,
    show_default=True,
    type=HOURS,
    help="Hours since the last activity.",
)
def cleanup(db: str, max_age_hours: float) -> None:
    """Puts the sessions that were not used for so long into the trash, and says how many.

    A service empties the trash of what lies there for longer than its --trash-days. Needs the
    database for itself; a running service is asked with POST /api/v1/maintenance/cleanup, and so
    are those that share a PostgreSQL database.
    """

    async def clean() -> int:
        async with open_runtime(store) as runtime:
            return await runtime.cleanup(timedelta(hours=max_age_hours))

    with exit_codes():
        if can_be_shared(db):
            raise CannotOpenStore(
                f"{without_password(db)} is cleaned up by the services that share it",
                f"Any of them is asked with {CLEANUP}, or cleans up by itself with "
                "--retention-hours",
            )
        store = _open_alone(db)
        click.echo(f"Moved {trio.run(clean)} old sessions into the trash")


@main.command("backup")
@database
@click.argument("file", type=click.Path(path_type=Path))
def backup_command(db: str, file: Path) -> None:
    """Copies the database to FILE, whole and consistent. Works beside a running service."""
    with exit_codes(), terminal.progress("Copying") as show_progress:
        back_up(db, file, show_progress)
    click.echo(f"{db} is backed up in {file}")


@main.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@database
@click.option("--force", is_flag=True, help="Replace what is no database of this program, too.")
def restore_command(file: Path, db: str, *, force: bool) -> None:
    """Puts the backup FILE in the database's place; the former database is kept aside.

    Needs the database for itself. The database's own name as FILE accepts what it lacks.
    """
    with exit_codes():
        with terminal.steps("Copying") as show_step:
            restored = restore(file, db, show_step, force=force)
        if restored.kept is not None:
            click.echo(f"The former database is kept as {restored.kept}")
        report = restored.report
        click.echo(f"{db} is restored: {report.sessions} sessions, {report.messages} messages")


@main.command("verify")
@database
def verify_command(db: str) -> None:
    """Looks whether the database is whole: chains, gapless numbers, counts.

    Of a file, SQLite's own check, too; and whether it has all transactions of which the file beside
    it, `….seq`, knows. Works beside a running service.
    """
    with exit_codes(), terminal.steps("Verifying") as show_step:
        report = verify(db, show_step)
    shown = without_password(db)
    in_trash = f", and {report.trashed} sessions in the trash" if report.trashed else ""
    click.echo(
        f"{report.sessions} sessions, {report.messages} messages, "
        f"{report.switches} agent switches{in_trash}"
    )
    for problem in report.problems:
        click.echo(f"- {problem}")
    if not report.ok:
        raise click.ClickException(f"{shown} is damaged; restore a backup\n  {restore_hint(db)}")
    click.echo(f"{shown} is whole")


@main.command("upgrade")
@database
@click.option("--dry-run", is_flag=True, help="Do everything but the change itself.")
def upgrade_command(db: str, dry_run: bool) -> None:
    """Brings a database of an earlier release to the present schema.

    A service does so too when it starts; this says how long it takes. The former database is kept
    beside it. Needs the database for itself.
    """
    with exit_codes():
        with terminal.steps() as show_step:
            upgraded = upgrade(db, dry_run=dry_run, progress=show_step)
        click.echo(
            f"{upgraded.sessions} sessions, {upgraded.messages} messages, "
            f"{upgraded.switches} agent switches, in {upgraded.seconds:.1f} s: "
            f"{upgraded.new_bytes:,} bytes instead of {upgraded.old_bytes:,}"
        )
        if upgraded.kept is None:
            click.echo(f"{db} can be upgraded; it was not changed")
        else:
            click.echo(f"The former database is kept as {upgraded.kept}")
            click.echo(f"{db} is upgraded")


@main.command("move")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def move_command(source: str, target: str) -> None:
    """Copies all sessions of the store FROM to the store TO, which must be new or empty.

    Those in the trash, too, with all their numbers: who has an ETag, a place in a stream or a trash
    id goes on with it. Needs both for itself. FROM stays as it is; TO is there as a whole, or not
    at all, however this ends.
    """
    try:
        with exit_codes():
            with terminal.steps("Copying") as show_step:
                moved = move(source, target, show_step)
            in_trash = f", and {moved.trashed} sessions in the trash" if moved.trashed else ""
            click.echo(
                f"Moved {moved.sessions} sessions, {moved.messages} messages, "
                f"{moved.switches} agent switches{in_trash}, in {moved.seconds:.1f} s"
            )
            click.echo(
                f"{without_password(source)} is as it was; go on with "
                f"--db {without_password(target)}"
            )
    except KeyboardInterrupt:
        click.echo("agent-runtime: interrupted: TO has all sessions, or none, as before", err=True)
        sys.exit(INTERRUPTED)


def _path(name: str) -> Path | None:
    return Path(name) if name else None


def _open_alone(db: str) -> Store:
    """The store that has to be there, and that no service may be using."""
    try:
        return open_store(db, create=False)
    except StoreInUse as error:
        raise CannotOpenStore(
            error.problem,
            f"A running service is asked with {CLEANUP}, or cleans up by itself with "
            "--retention-hours",
        ) from error
