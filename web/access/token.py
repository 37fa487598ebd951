"""The secret that lets callers in: where it comes from, and when there has to be one.

Never from a URL or a command line: both end up in logs and process lists.
"""

import os
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from web.problems import CannotServe
from web.systems import is_open_to_others

VARIABLE = "AGENT_RUNTIME_TOKEN"
MIN_LENGTH = 16
"""Characters. With 16 from base64, guessing at a million a second takes far longer than a life."""

MAKE_ONE = "Make one: (umask 077; openssl rand -hex 32 > token)"


def load_token(file: Path | None, environ: Mapping[str, str]) -> str | None:
    """The token from `file`, or else from `$AGENT_RUNTIME_TOKEN`; None if neither is there.

    Surrounding white space does not belong to it. Raises `CannotServe`, which never quotes it.
    """
    if file is not None:
        return read_token(file)
    value = environ.get(VARIABLE)
    return None if value is None else _checked(value, f"The token in ${VARIABLE}")


def read_token(file: Path) -> str:
    """The token in a file that only its owner has access to. Raises `CannotServe`."""
    return _checked(_read_private(file), f"The token in {file}")


def require_token(host: str, token: str | None) -> None:
    """Raise `CannotServe` if others than this machine's users could come in without a token."""
    if token is None and not is_loopback(host):
        raise CannotServe(
            f"Without a token the service listens on loopback only, not on {host or 'everything'}",
            f"Give it one, with --token-file or ${VARIABLE}. {MAKE_ONE}",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name, other than `localhost`, says nothing."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def _read_private(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            # Asked of the open file: the name could stand for another one by then.
            status = os.fstat(opened.fileno())
            if is_open_to_others(status):
                raise CannotServe(
                    f"Others than its owner have access to the token file {file}",
                    f"Run: chmod 600 {file}",
                )
            return opened.read(4096).decode("ascii")
    except OSError as error:
        raise CannotServe(
            f"Cannot read the token file {file}: {error.strerror or error}", MAKE_ONE
        ) from error
    except UnicodeDecodeError:
        # Not `from error`: it quotes what it could not decode.
        raise CannotServe(f"The token in {file} is not ASCII", MAKE_ONE) from None


def _checked(value: str, what: str) -> str:
    token = value.strip()
    if len(token) < MIN_LENGTH:
        raise CannotServe(f"{what} has fewer than {MIN_LENGTH} characters", MAKE_ONE)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CannotServe(f"{what} has characters that no header can carry", MAKE_ONE)
    return token
