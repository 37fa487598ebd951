"""What `serve` is told where nodes share a database: how they find and know each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from web.access.token import MAKE_ONE, is_loopback, read_token
from web.nodes.peers import parse_address
from web.problems import CannotServe


@frozen
class Sharing:
    """How this node is one among others."""

    address: str
    """`host:port`, where they ask it."""
    token: str | None = field(repr=False)
    """What all nodes show to each other; `None`: what the database has for that."""


def sharing_of(settings: Mapping[str, Any], *, can_be_shared: bool) -> Sharing | None:
    """What the options say; `None`: the store is this process's alone. Raises `CannotServe`."""
    if not can_be_shared:
        for name in ("advertise", "node_token_file"):
            if settings[name] is not None:
                raise CannotServe(
                    f"--{name.replace('_', '-')} is for nodes that share a database, and this one "
                    "cannot be shared",
                    "Leave it out, or name a PostgreSQL database: --db postgresql://…",
                )
        return None
    if settings["certfile"] is not None or settings["keyfile"] is not None:
        raise CannotServe(
            "Nodes ask each other in plain HTTP, and one that speaks HTTPS would not be understood",
            "Leave out --certfile and --keyfile, and have the proxy in front of the nodes speak "
            "HTTPS",
        )
    address = settings["advertise"]
    if address is None:
        address = _own_address(settings["host"], settings["port"])
    try:
        host, _ = parse_address(address)
    except ValueError as error:
        raise CannotServe(
            f"--advertise: {error}", "Write where the other nodes reach this one: HOST:PORT"
        ) from error
    return Sharing(address, _token(host, address, settings["node_token_file"]))


def _own_address(host: str, port: int) -> str:
    """Where the node listens, if others can reach it there. Raises `CannotServe`."""
    if port == 0:
        raise CannotServe(
            "The other nodes have to know the port of this one, and with --port 0 nobody does",
            "Give --port a number",
        )
    if not is_loopback(host):
        raise CannotServe(
            f"--host {host} does not tell the other nodes where they reach this one",
            "Say it with --advertise HOST:PORT: a name or an address of this machine that all of "
            "them know",
        )
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _token(host: str, address: str, file: Path | None) -> str | None:
    if file is not None:
        return read_token(file)
    if not is_loopback(host):
        raise CannotServe(
            f"Beyond loopback nodes need a token to know each other by, and this one is asked at "
            f"{address}",
            f"Give all of them the same one, with --node-token-file. {MAKE_ONE}",
        )
    return None
