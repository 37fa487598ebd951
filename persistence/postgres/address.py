"""Where a database is: what libpq is told, and what may be said of it.

A password is said to nobody. libpq's own messages quote what it takes for a host or a port, and of
a URL in which a password was not percent-encoded that is a part of the password: such a URL is
refused before libpq sees it, without a word of what was in it.
"""

from collections.abc import Mapping

import psycopg
from attrs import field, frozen
from psycopg.conninfo import conninfo_to_dict

from persistence.address import without_password
from runtime import CannotOpenStore

FORM = "postgresql://USER@HOST:PORT/DATABASE"

_REMEDY = (
    f"Write {FORM}, with @, /, : and % in a name or a password percent-encoded; better, leave the "
    "password to PGPASSWORD, PGPASSFILE, or a service file"
)

_DEFAULTS = {
    # Seconds: a server that does not answer has to be known before those who wait give up.
    "connect_timeout": "5",
    # Of a server that went without a word nothing is heard: so a connection is asked for a sign of
    # life after so many idle seconds, and given up where it gives none.
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    # Milliseconds that what was sent may go unacknowledged by the other system.
    "tcp_user_timeout": "10000",
}


@frozen
class Address:
    """A database, as libpq is told of it."""

    _parameters: Mapping[str, str] = field(repr=False)
    _shown: str
    """Without what is nobody's business."""

    @classmethod
    def of(cls, url: str) -> "Address":
        """Of a URL, as libpq reads it. Raises `CannotOpenStore`."""
        if "\0" in url:  # where the URL would end, to libpq
            raise _unreadable()
        try:
            given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        except (psycopg.Error, UnicodeError):
            raise _unreadable() from None  # libpq's message quotes the URL
        places = [given.get(name, "") for name in ("host", "hostaddr", "port", "dbname")]
        # `@` begins the name of a socket that is no file.
        if any("@" in place.lstrip("@") for place in places) or not _are_ports(given.get("port")):
            raise _unreadable()
        return cls(given, without_password(url))

    @property
    def parameters(self) -> dict[str, str]:
        """What libpq is told, the password included."""
        return {
            **_DEFAULTS,
            **self._parameters,
            # PGCLIENTENCODING must not decide what is written.
            "client_encoding": "UTF8",
        }

    def __str__(self) -> str:
        return self._shown


def _are_ports(port: str | None) -> bool:
    """Whether it is a port, or a list of some, as libpq takes it."""
    return port is None or all(not one or one.isdecimal() for one in port.split(","))


def _unreadable() -> CannotOpenStore:
    return CannotOpenStore("This is not the URL of a PostgreSQL database", _REMEDY)
