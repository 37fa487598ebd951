"""`rewind`, `fork` and `undelete`: who owns the database does it.

That is this process while no service uses the database, and else the service, which is asked with
`--url`. A database that is shared is never opened here: to become a node for a moment would take
sessions away from those that serve them, and give them back, for a call that any of them answers.
"""

import json
import shlex
from collections.abc import Awaitable, Callable
from os import environ
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import trio
from attrs import frozen

from persistence import can_be_shared, open_store, without_password
from runtime import (
    CallerError,
    CannotOpenStore,
    Runtime,
    RuntimeConfig,
    StoreInUse,
    Summary,
    open_runtime,
)
from web.access.token import load_token
from web.api.sessions import SessionOut
from web.cli.exits import exit_codes
from web.cli.sessions.asking import Service
from web.cli.sessions.completion import session_ids, trashed_ids
from web.cli.settings import database, option
from web.cli.text import line

F = TypeVar("F", bound=Callable[..., Any])

ASK = "Ask a running service: --url http://HOST:PORT, with --token-file FILE if it wants a token"


@frozen
class Owner:
    """Who does it."""

    db: str
    url: str | None
    token_file: Path | None

    def change(
        self,
        session_id: str,
        call: str,
        body: object,
        here: Callable[[Runtime], Awaitable[Summary]],
    ) -> dict[str, Any]:
        """The session as it is then, as the service shows it.

        The service is asked for `call` with `body`; or else `here` does it. Raises `CannotAsk`,
        `CannotServe` (of the token), `StoreError`, and `click.ClickException` if it is refused.
        """
        if self.url is not None:
            service = Service.at(self.url, load_token(self.token_file, environ))
            return service.post(session_id, call, body)
        return _done_here(self.db, here)


def owned(command: F) -> F:
    """Gives a command the options that say who does it."""
    command = option(
        "--token-file",
        type=click.Path(path_type=Path),
        help="File (mode 0600) with the token that the service at --url wants. The token itself "
        "can be in AGENT_RUNTIME_TOKEN instead.",
    )(command)
    command = option(
        "--url",
        metavar="URL",
        help="A running service, http://HOST:PORT: it is asked, and --db is not looked at.",
    )(command)
    return database(command)


as_json_option = click.option(
    "--json", "as_json", is_flag=True, help="The session as a JSON object, for programs."
)


@click.command()
@click.argument("session_id", metavar="SESSION", shell_complete=session_ids)
@click.argument("to", metavar="TO", type=click.IntRange(min=0))
@owned
@as_json_option
def rewind(
    session_id: str, to: int, db: str, url: str | None, token_file: Path | None, *, as_json: bool
) -> None:
    """Goes back to what SESSION was when its entry TO was the last, or forward again.

    `agent-runtime show` has the entries' numbers. Nothing is lost: another rewind undoes it. Needs
    the database for itself, or a running service at --url.
    """
    with exit_codes():
        found = Owner(db, url, token_file).change(
            session_id, "rewind", {"to": to}, lambda runtime: runtime.session(session_id).rewind(to)
        )
    before = int(found["version"]) - 1
    undo = f"agent-runtime rewind {shlex.quote(session_id)} {before}"
    _tell(
        found,
        f"Session {session_id} is as it was at entry {to}: {found['message_count']} messages\n"
        f"To undo that: {undo}",
        as_json=as_json,
    )


@click.command()
@click.argument("session_id", metavar="SESSION", shell_complete=session_ids)
@click.option("--at", type=click.IntRange(min=1), help="The last entry to copy; all, if not given.")
@click.option("--as", "as_id", metavar="ID", help="The new session's id; made up, if not given.")
@owned
@as_json_option
def fork(
    session_id: str,
    at: int | None,
    as_id: str | None,
    db: str,
    url: str | None,
    token_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Makes a new session of the entries of SESSION, and prints its id.

    Needs the database for itself, or a running service at --url.
    """

    def here(runtime: Runtime) -> Awaitable[Summary]:
        target = runtime.new_session_id() if as_id is None else as_id
        return runtime.session(session_id).fork(target, at=at)

    with exit_codes():
        found = Owner(db, url, token_file).change(
            session_id, "fork", {"session_id": as_id, "at": at}, here
        )
    _tell(
        found,
        f"Session {found['session_id']} begins with what was said in {session_id}: "
        f"{found['message_count']} messages",
        as_json=as_json,
    )


@click.command()
@click.argument("session_id", metavar="SESSION", shell_complete=trashed_ids)
@click.option("--trash-id", metavar="N", help="Which one, if several of this id were deleted.")
@click.option("--as", "as_id", metavar="ID", help="Another id for it; its own, if not given.")
@owned
@as_json_option
def undelete(
    session_id: str,
    trash_id: str | None,
    as_id: str | None,
    db: str,
    url: str | None,
    token_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Brings SESSION back from the trash: the one of this id that was deleted last.

    `agent-runtime sessions --trash` lists what is there. Needs the database for itself, or a
    running service at --url.
    """
    with exit_codes():
        found = Owner(db, url, token_file).change(
            session_id,
            "undelete",
            {"trash_id": trash_id, "session_id": as_id},
            lambda runtime: runtime.session(session_id).undelete(trash_id=trash_id, as_id=as_id),
        )
    _tell(
        found,
        f"Session {found['session_id']} is back, with {found['message_count']} messages",
        as_json=as_json,
    )


def _done_here(db: str, work: Callable[[Runtime], Awaitable[Summary]]) -> dict[str, Any]:
    if can_be_shared(db):
        raise CannotOpenStore(
            f"{without_password(db)} is changed by the services that share it", ASK
        )
    try:
        store = open_store(db, create=False)
    except StoreInUse as error:
        raise CannotOpenStore(error.problem, ASK) from error

    async def run() -> Summary | str:
        # What is answered is on disk.
        async with open_runtime(store, RuntimeConfig(durability="commit")) as runtime:
            try:
                return await work(runtime)
            except CallerError as error:
                return str(error)

    done = trio.run(run)
    if isinstance(done, str):
        raise click.ClickException(line(done))
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(SessionOut.of(done)))
    return found


def _tell(found: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in words.split("\n"):
        click.echo(line(one))
