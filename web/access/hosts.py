"""Names that the service answers to: what a `Host` header may say, and what a setting.

`localhost` and IP literals always come in: nobody is asked what they mean. Every other name may be
anybody's, who can have it mean this machine: a page of `evil.example`, resolved to 127.0.0.1, still
sends its own name (DNS rebinding). So a name has to be configured, in one of two forms:

- a name, exactly;
- `*.name`, every name below it, by one label or more, and not `name` itself. Whoever can have a
  name below it can rebind it, so `*.com` is refused, as is every other single label but
  `localhost`, below which nobody can have one. Where else names are given away (`*.co.uk`,
  `*.github.io`) is not known here: it has to be a domain whose names are all yours.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

REMEMBERED = 64
"""Values of one header whose meaning is remembered. A client sends the same ones every time, and
each is no longer than a head may be, so that strangers fill a mebibyte and no more."""

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?")


def checked_name(setting: str) -> str:
    """What a setting says, in lower case. Raises `ValueError`, which tells what would be right."""
    name = setting.lower()
    parent = name.removeprefix("*.")
    if (match := _HOST.fullmatch(parent)) is None or match["port"] is not None:
        raise ValueError(
            f"{setting!r} is not a host name: write name or *.name, without scheme and port"
        )
    if name != parent and parent != "localhost" and "." not in parent.strip("."):
        raise ValueError(
            f"{setting!r} is too wide: everybody can have a name below {parent!r}; write a domain "
            "whose names are all yours, or *.localhost"
        )
    return name


@lru_cache(maxsize=REMEMBERED)
def is_known(value: str, settings: frozenset[str]) -> bool | None:
    """Whether a `Host` header says a name that is answered to; `None`: it says no name at all."""
    parsed = parse_host(value)
    if parsed is None:
        return None
    name, _ = parsed
    if name == "localhost" or is_ip_literal(name):
        return True
    return not settings.isdisjoint(settings_for(name))


def settings_for(name: str) -> Iterator[str]:
    """Every setting that lets a name in: itself, and a pattern for each name above it."""
    yield name
    labels = name.split(".")
    if all(labels):  # "a..localhost" and "a.localhost." are below nothing
        for first in range(1, len(labels)):
            yield ".".join(["*", *labels[first:]])


def parse_host(value: str) -> tuple[str, int | None] | None:
    """A `Host` header's name, in lower case, and port; `None` if it is not valid.

    Of IPv6 literals the brackets stay. A trailing dot stays too, and so matches no known name.
    """
    match = _HOST.fullmatch(value)
    if match is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and port > 65535:
        return None
    return match["name"].lower(), port


def is_ip_literal(name: str) -> bool:
    """Only what is an address in itself, and in its usual form, is not looked up by anybody."""
    try:
        if name.startswith("["):
            IPv6Address(name[1:-1])
        else:
            IPv4Address(name)
    except AddressValueError:
        return False
    return True
