"""The command `agent-runtime`, and the composition root: here the parts meet.

Every option of `serve`, and `--db` everywhere, can also be given as `AGENT_RUNTIME_` and its name,
in the environment.
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from math import isnan
from os import environ
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
import trio

from persistence import QuickCheck, SQLiteReader, SQLiteStore
from persistence.backup import backup
from persistence.remedy import restore_hint
from persistence.restore import restore
from persistence.verify import verify
from runtime import (
    CannotOpenStore,
    Durability,
    RuntimeConfig,
    StoreBroken,
    StoreError,
    open_runtime,
)
from runtime.config import MiB
from web import terminal
from web.bearer import load_token, require_token
from web.guard import Guard
from web.logs import open_log
from web.problems import CannotServe
from web.running import Exit, ServiceConfig, run
from web.server import ServerConfig

F = TypeVar("F", bound=Callable[..., Any])

_RUNTIME = RuntimeConfig()
_SERVER = ServerConfig()


class Range(click.FloatRange):
    """Refuses nan too: it compares with nothing, so click lets it pass."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail("nan is not a number", param, ctx)
        return number


class MayBeEmpty(click.Option):
    """Takes an empty variable at its word; to click, it is one that is not set."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002
        return environ.get(str(self.envvar))


_POSITIVE = Range(min=0, min_open=True)
_HOURS = Range(min=0, min_open=True, max=10_000_000)
"""As over REST: a thousand years, which the calendar still has."""
_COUNT = click.IntRange(min=1)


def option(name: str, **settings: Any) -> Callable[[F], F]:
    """An option that shows its default, and the variable that it can also be given in."""
    variable = "AGENT_RUNTIME_" + name.removeprefix("--").replace("-", "_").upper()
    settings.setdefault("show_default", True)
    return click.option(name, envvar=variable, show_envvar=True, **settings)


database = option(
    "--db",
    default="data/agent_runtime.db",
    metavar="FILE",
    help="The database file.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("agent-runtime"), message="agent-runtime %(version)s")
def main() -> None:
    """Keeps the chats of AI-agent IDEs through every restart."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Chats hold any character; a terminal's encoding may not.
        sys.stdout.reconfigure(errors="backslashreplace")


@main.command()
@option("--host", default="127.0.0.1", help="Address to listen on; beyond loopback a token is due.")
@option("--port", default=8001, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@database
@option(
    "--durability",
    default="commit",
    type=click.Choice(get_args(Durability)),
    help="When a write is answered: once it is on disk (commit), or at once, with the disk "
    "following within the snapshot interval (snapshot).",
)
@option(
    "--snapshot-interval",
    default=_RUNTIME.snapshot_interval,
    type=_POSITIVE,
    help="Seconds after which a change is on disk at the latest, if nobody waits for it.",
)
@option(
    "--commit-timeout",
    default=_RUNTIME.commit_timeout,
    type=_POSITIVE,
    help="Seconds that a write waits for a failing disk before it is answered 503.",
)
@option(
    "--undurable-limit-mib",
    default=_RUNTIME.undurable_limit // MiB,
    type=_COUNT,
    help="MiB of changes that may wait for the disk before new ones are answered 503.",
)
@option(
    "--idle-timeout",
    default=_RUNTIME.idle_timeout,
    type=_POSITIVE,
    help="Seconds without use after which a session leaves memory.",
)
@option(
    "--max-active", default=_RUNTIME.max_active, type=_COUNT, help="Sessions in memory at one time."
)
@option(
    "--mailbox-size",
    default=_RUNTIME.mailbox_size,
    type=_COUNT,
    help="Commands that one session may have waiting before new ones are answered 429.",
)
@option(
    "--body-limit-mib",
    default=Guard().body_limit // MiB,
    type=_COUNT,
    help="MiB in the body of one request, at most.",
)
@option(
    "--max-connections",
    default=_SERVER.max_connections,
    type=_COUNT,
    help="Connections open at one time.",
)
@option(
    "--grace",
    default=_SERVER.grace,
    type=Range(min=0),
    help="Seconds that requests in flight may take after SIGTERM.",
)
@option(
    "--flush-timeout",
    default=_RUNTIME.flush_timeout,
    type=_POSITIVE,
    help="Seconds that the last write to disk may take.",
)
@option(
    "--retention-hours",
    type=_HOURS,
    help="Delete sessions that were not used for so many hours; never, unless given.",
)
@option(
    "--cors-origin",
    multiple=True,
    metavar="ORIGIN",
    help="A foreign web page's origin that may call, like https://ide.example; repeatable.",
)
@option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="A host name to answer to, beside localhost and IP addresses; repeatable.",
)
@option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="File (mode 0600) with the token that callers must send. The token itself can be in "
    "AGENT_RUNTIME_TOKEN instead.",
)
@option(
    "--quick-check",
    default="auto",
    type=click.Choice(get_args(QuickCheck)),
    help="Search the database for damage at the start; auto: unless it is very large.",
)
@option(
    "--log-file",
    cls=MayBeEmpty,
    default="logs/agent-runtime.log",
    help="Where the log goes; '' for nowhere.",
)
@option(
    "--log-level",
    default="info",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="What the log holds.",
)
def serve(**settings: Any) -> None:
    """Serves the REST API until SIGTERM or SIGINT.

    Exit codes: 0 ended in order; 3 could not start; 4 the disk failed for good; 5 the disk did not
    take everything in time; 6 ended by a second signal, or because the end took too long.
    """
    db = settings["db"]
    with _exit_codes():
        config = _service_config(settings)
        with open_log(_path(settings["log_file"]), settings["log_level"]):
            store = SQLiteStore.open(_file(db), quick_check=settings["quick_check"])
            announce = partial(terminal.announce, db, config.runtime.durability)
            trio.run(run, store, config, announce)


@main.command()
@database
@click.option("--limit", type=_COUNT, help="Only the most recent ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def sessions(db: str, limit: int | None, as_json: bool) -> None:
    """Lists the sessions, the most recent first. Works beside a running service."""
    with _exit_codes(), closing(SQLiteReader.looking_at(_file(db))) as reader:
        terminal.print_sessions(reader.list_sessions(limit), as_json=as_json)


@main.command()
@click.argument("session_id", metavar="ID")
@database
def show(session_id: str, db: str) -> None:
    """Prints a session's conversation. Works beside a running service."""
    with _exit_codes(), closing(SQLiteReader.looking_at(_file(db))) as reader:
        stored = reader.load(session_id)
        if stored is None:
            raise click.ClickException(
                f"Session {session_id} not found in {db}; `agent-runtime sessions` lists all"
            )
        terminal.print_transcript(session_id, stored)


@main.command()
@database
@click.option(
    "--max-age-hours",
    default=24.0,
    show_default=True,
    type=_HOURS,
    help="Hours since the last activity.",
)
def cleanup(db: str, max_age_hours: float) -> None:
    """Deletes the sessions that were not used for so long, and prints how many those were.

    Needs the database for itself; a running service is asked with POST /api/v1/maintenance/cleanup.
    """

    async def clean() -> int:
        async with open_runtime(store) as runtime:
            return await runtime.cleanup(timedelta(hours=max_age_hours))

    with _exit_codes():
        store = _open_alone(db)
        click.echo(f"Cleaned up {trio.run(clean)} old sessions")


@main.command("backup")
@database
@click.argument("file", type=click.Path(path_type=Path))
def backup_command(db: str, file: Path) -> None:
    """Copies the database to FILE, whole and consistent. Works beside a running service."""
    with _exit_codes(), terminal.progress("Copying") as show_progress:
        backup(Path(db), file, show_progress)
    click.echo(f"{db} is backed up in {file}")


@main.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@database
def restore_command(file: Path, db: str) -> None:
    """Puts the backup FILE in the database's place; the former database is kept aside.

    Needs the database for itself. The database's own name as FILE accepts what it lacks.
    """
    with _exit_codes():
        with terminal.progress("Copying") as show_progress:
            restored = restore(file, Path(db), show_progress)
        if restored.kept is not None:
            click.echo(f"The former database is kept as {restored.kept}")
        report = restored.report
        click.echo(f"{db} is restored: {report.sessions} sessions, {report.messages} messages")


@main.command("verify")
@database
def verify_command(db: str) -> None:
    """Looks whether the database is whole: SQLite's own check, counts, gapless numbers.

    And whether it has all transactions of which the file beside it, `….seq`, knows.
    """
    with _exit_codes():
        report = verify(Path(db))
    click.echo(
        f"{report.sessions} sessions, {report.messages} messages, {report.switches} agent switches"
    )
    for problem in report.problems:
        click.echo(f"- {problem}")
    if not report.ok:
        raise click.ClickException(
            f"{db} is damaged; restore a backup\n  {restore_hint(Path(db).resolve())}"
        )
    click.echo(f"{db} is whole")


def _service_config(settings: dict[str, Any]) -> ServiceConfig:
    token = load_token(settings["token_file"], environ)
    require_token(settings["host"], token)
    hours = settings["retention_hours"]
    try:
        rules = Guard(
            hosts=frozenset(settings["allow_host"]),
            origins=frozenset(settings["cors_origin"]),
            token=token,
            body_limit=settings["body_limit_mib"] * MiB,
        )
    except ValueError as error:
        raise CannotServe(str(error), "See agent-runtime serve --help.") from error
    return ServiceConfig(
        host=settings["host"],
        port=settings["port"],
        runtime=RuntimeConfig(
            durability=settings["durability"],
            snapshot_interval=settings["snapshot_interval"],
            commit_timeout=settings["commit_timeout"],
            undurable_limit=settings["undurable_limit_mib"] * MiB,
            idle_timeout=settings["idle_timeout"],
            max_active=settings["max_active"],
            mailbox_size=settings["mailbox_size"],
            flush_timeout=settings["flush_timeout"],
        ),
        server=ServerConfig(max_connections=settings["max_connections"], grace=settings["grace"]),
        rules=rules,
        retention=None if hours is None else timedelta(hours=hours),
    )


def _file(db: str) -> Path:
    if not db or ":memory:" in db:
        raise CannotOpenStore(f"{db!r} is not a file", "Name one with --db.")
    return Path(db)


def _path(name: str) -> Path | None:
    return Path(name) if name else None


def _open_alone(db: str) -> SQLiteStore:
    """The store in a database that has to be there, and that no service may be using."""
    file = _file(db)
    if not file.exists():  # opening would create it
        raise CannotOpenStore(f"There is no database {db}", "Name it with --db.")
    try:
        return SQLiteStore.open(file)
    except CannotOpenStore as error:
        if "is in use by" not in error.problem:
            raise
        raise CannotOpenStore(
            error.problem,
            "A running service is asked with POST /api/v1/maintenance/cleanup, or cleans up by "
            "itself with --retention-hours",
        ) from error


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Turns the errors that an operator can meet into a message and an exit code."""
    code: Exit | None = None
    try:
        yield
    except* (CannotServe, CannotOpenStore) as group:
        code = _fail(Exit.CANNOT_START, group)
    except* StoreBroken as group:
        code = _fail(Exit.STORE_BROKEN, group)
    except* StoreError as group:
        code = _fail(Exit.NOT_WRITTEN, group)
    if code is not None:
        sys.exit(code)


def _fail(code: Exit, group: BaseExceptionGroup[Exception]) -> Exit:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    click.echo(f"agent-runtime: {error}", err=True)
    return code
