"""The settings of `agent-runtime serve`: its options, and the configuration that they make.

Each can also be given as `AGENT_RUNTIME_` and its name, in the environment.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import reduce
from math import isnan
from os import environ
from pathlib import Path
from ssl import SSLContext
from typing import Any, TypeVar, get_args

import click

from runtime import DAYS, Durability, MiB, RuntimeConfig
from web.access.rules import Guard
from web.access.token import load_token, require_token
from web.cli.service import ServiceConfig
from web.hosts.tls import load_certificate
from web.http.limits import ServerConfig
from web.problems import CannotServe

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


POSITIVE = Range(min=0, min_open=True)
HOURS = Range(min=0, min_open=True, max=10_000_000)
"""As over REST: a thousand years, which the calendar still has."""
MAX_DAYS = 400_000
"""Likewise."""
KEPT_DAYS = Range(min=0, max=MAX_DAYS)
COUNT = click.IntRange(min=1)


def option(name: str, **settings: Any) -> Callable[[F], F]:
    """An option that shows its default, and the variable that it can also be given in."""
    variable = "AGENT_RUNTIME_" + name.removeprefix("--").replace("-", "_").upper()
    settings.setdefault("show_default", True)
    return click.option(name, envvar=variable, show_envvar=True, **settings)


DB = "data/agent_runtime.db"
"""The database, unless another one is named."""

database = option(
    "--db",
    default=DB,
    metavar="STORE",
    help="The database: a path, sqlite:///relative/path.db, sqlite:////absolute/path.db, or "
    "postgresql://user@host/database, which many services can share.",
)
"""For every command that has one."""

_OPTIONS = (
    option(
        "--host", default="127.0.0.1", help="Address to listen on; beyond loopback a token is due."
    ),
    option("--port", default=8001, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."),
    option(
        "--durability",
        default="commit",
        type=click.Choice(get_args(Durability)),
        help="When a write is answered: once it is on disk (commit), or at once, with the disk "
        "following within the snapshot interval (snapshot).",
    ),
    option(
        "--snapshot-interval",
        default=_RUNTIME.snapshot_interval,
        type=POSITIVE,
        help="Seconds after which a change is on disk at the latest, if nobody waits for it.",
    ),
    option(
        "--commit-timeout",
        default=_RUNTIME.commit_timeout,
        type=POSITIVE,
        help="Seconds that a call waits for a failing disk before it is answered 503.",
    ),
    option(
        "--undurable-limit-mib",
        default=_RUNTIME.undurable_limit // MiB,
        type=COUNT,
        help="MiB of changes that may wait for the disk before new ones wait too; while it fails, "
        "they are answered 503.",
    ),
    option(
        "--idle-timeout",
        default=_RUNTIME.idle_timeout,
        type=POSITIVE,
        help="Seconds without use after which a session leaves memory.",
    ),
    option(
        "--max-active",
        default=_RUNTIME.max_active,
        type=COUNT,
        help="Sessions in memory at one time.",
    ),
    option(
        "--resident-mib",
        default=_RUNTIME.resident_bytes // MiB,
        type=COUNT,
        help="MiB of a session in memory; what is older is read when it is used.",
    ),
    option(
        "--mailbox-size",
        default=_RUNTIME.mailbox_size,
        type=COUNT,
        help="Commands that one session may have waiting before new ones are answered 429.",
    ),
    option(
        "--body-limit-mib",
        default=Guard().body_limit // MiB,
        type=COUNT,
        help="MiB in the body of one request, at most.",
    ),
    option(
        "--bodies-limit-mib",
        default=Guard().bodies_limit // MiB,
        type=COUNT,
        help="MiB in the bodies of all requests in flight before further ones are answered 503; "
        "one of the largest always fits.",
    ),
    option(
        "--max-connections",
        default=_SERVER.max_connections,
        type=COUNT,
        help="Connections open at one time.",
    ),
    option(
        "--grace",
        default=_SERVER.grace,
        type=Range(min=0),
        help="Seconds that requests in flight may take after SIGTERM.",
    ),
    option(
        "--flush-timeout",
        default=_RUNTIME.flush_timeout,
        type=POSITIVE,
        help="Seconds that the last write to disk may take.",
    ),
    option(
        "--retention-hours",
        type=HOURS,
        help="Put sessions into the trash that were not used for so many hours; never, unless "
        "given.",
    ),
    option(
        "--trash-days",
        default=_RUNTIME.trash_retention / DAYS,
        type=KEPT_DAYS,
        help="Days for which what was deleted can come back; 0: it goes at once.",
    ),
    option(
        "--record-history-days",
        type=Range(min=0, min_open=True, max=MAX_DAYS),
        help="Drop values of records that were superseded for so many days; never, unless given.",
    ),
    option(
        "--cors-origin",
        multiple=True,
        metavar="ORIGIN",
        help="A foreign web page's origin that may call, like https://ide.example; open may be its "
        "port (http://localhost:*) or, of a program's own scheme, its host (vscode-webview://*); "
        "repeatable.",
    ),
    option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        help="A host name to answer to, beside localhost and IP addresses; or all below one, like "
        "*.localhost; repeatable.",
    ),
    option(
        "--token-file",
        type=click.Path(path_type=Path),
        help="File (mode 0600) with the token that callers must send. The token itself can be in "
        "AGENT_RUNTIME_TOKEN instead.",
    ),
    option(
        "--advertise",
        metavar="HOST:PORT",
        show_default="on loopback --host and --port",
        help="Where the other nodes reach this one, if the database is PostgreSQL.",
    ),
    option(
        "--node-token-file",
        type=click.Path(path_type=Path),
        help="File (mode 0600) with the token by which nodes know each other; the same for all of "
        "them, and due where they are reached beyond loopback.",
    ),
    option(
        "--certfile",
        type=click.Path(path_type=Path),
        help="PEM file with the certificate for HTTPS and HTTP/2, with those up to the root.",
    ),
    option("--keyfile", type=click.Path(path_type=Path), help="PEM file with its private key."),
    option(
        "--server",
        type=click.Choice(["own", "hypercorn"]),
        help="What speaks HTTP: our own server, or Hypercorn. Unless given, Hypercorn where there "
        "is a certificate.",
    ),
    option(
        "--log-file",
        cls=MayBeEmpty,
        default="logs/agent-runtime.log",
        help="Where the log goes; '' for nowhere.",
    ),
    option(
        "--log-level",
        default="info",
        type=click.Choice(["debug", "info", "warning", "error"]),
        help="What the log holds.",
    ),
)


def service_options(command: F) -> F:
    """Adds all of them, in this order, to a command."""
    return reduce(lambda decorated, add: add(decorated), reversed(_OPTIONS), command)


def service_config(settings: Mapping[str, Any]) -> ServiceConfig:
    """What the options say. Raises `CannotServe`."""
    token = load_token(settings["token_file"], environ)
    require_token(settings["host"], token)
    hours = settings["retention_hours"]
    record_days = settings["record_history_days"]
    try:
        rules = Guard(
            hosts=frozenset(settings["allow_host"]),
            origins=frozenset(settings["cors_origin"]),
            token=token,
            body_limit=settings["body_limit_mib"] * MiB,
            bodies_limit=settings["bodies_limit_mib"] * MiB,
        )
    except ValueError as error:
        raise CannotServe(str(error), "See agent-runtime serve --help.") from error
    tls = _tls(settings["certfile"], settings["keyfile"], settings["server"])
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
            resident_bytes=settings["resident_mib"] * MiB,
            mailbox_size=settings["mailbox_size"],
            flush_timeout=settings["flush_timeout"],
            trash_retention=settings["trash_days"] * DAYS,
            record_retention=None if record_days is None else record_days * DAYS,
        ),
        server=ServerConfig(max_connections=settings["max_connections"], grace=settings["grace"]),
        rules=rules,
        hypercorn=tls is not None or settings["server"] == "hypercorn",
        tls=tls,
        retention=None if hours is None else timedelta(hours=hours),
    )


def _tls(certfile: Path | None, keyfile: Path | None, server: str | None) -> SSLContext | None:
    if certfile is None and keyfile is None:
        return None
    if certfile is None or keyfile is None:
        raise CannotServe(
            "HTTPS needs a certificate and its key", "Give both: --certfile FILE --keyfile FILE"
        )
    if server == "own":
        raise CannotServe(
            "Our own server speaks no HTTPS", "Leave out --server, or say --server hypercorn"
        )
    return load_certificate(certfile, keyfile)
