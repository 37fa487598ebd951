"""What an operator or a program may write to name a store.

- a path, as in a shell: `data/agent_runtime.db`, `/var/lib/agent_runtime.db`, `~/chats.db`
- `sqlite:///data/agent_runtime.db` below the working directory, `sqlite:////var/lib/…` an absolute
  path: SQLAlchemy's reading of the slashes. Nothing in it is percent-decoded.
- `postgresql://user@host:port/database`, as libpq reads it; `postgres://` is the same
- `memory://`

Whatever looks like a URL and is none of these is refused: as a path it would be a new, empty
database in a folder that is called `postgresql:`.
"""

import re
from pathlib import Path

from runtime import CannotOpenStore

FORMS = (
    "a path, sqlite:///relative/path.db, sqlite:////absolute/path.db, "
    "postgresql://user@host/database, or memory://"
)

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_HALF_A_URL = re.compile(r"(sqlite|file|memory|postgres|postgresql)(\+\w+)?:", re.IGNORECASE)
"""What nobody calls a file, and a slip of the pen makes of a URL."""

_HOST = re.compile(r"(\[[^]]*\]|[^][:]*)(:[0-9]*)?")
"""With or without a port."""


def scheme_of(url: str) -> tuple[str, str] | None:
    """The scheme and what stands behind it; `None` of a path. Raises `CannotOpenStore`."""
    if match := _URL.fullmatch(url):
        return match["scheme"].lower(), match["rest"]
    if match := _HALF_A_URL.match(url):
        # Not the URL itself: it may hold a password.
        said = f"{match[0]!r} begins no" if match[0].startswith("p") else f"{url!r} is not the"
        raise CannotOpenStore(f"{said} URL of a store", f"Write {FORMS}")
    return None


def path_of(rest: str) -> Path:
    """The file that is named behind `sqlite://`. Raises `CannotOpenStore`."""
    host, slash, name = rest.partition("/")
    # SQLAlchemy takes options behind a question mark: here they would be part of the name.
    if host or not slash or "?" in name or "#" in name:
        raise CannotOpenStore(f"'sqlite://{rest}' is not the URL of a store", f"Write {FORMS}")
    return file_called(name)


def file_called(name: str) -> Path:
    """The file of this name; `~` is somebody's home. Raises `CannotOpenStore`."""
    if not name or "\0" in name or ":memory:" in name or name.endswith("/"):
        raise CannotOpenStore(f"{name!r} is not a file", f"Name one with --db: {FORMS}")
    try:
        path = Path(name).expanduser()
        str(path.absolute()).encode()
    except RuntimeError as error:
        raise CannotOpenStore(f"{name!r} names no file: {error}", "Write the whole path") from error
    except UnicodeEncodeError:
        # SQLite takes names as UTF-8 only.
        raise CannotOpenStore(
            f"{name!r}, or the folder that it is in, has a name that is not UTF-8",
            "Rename it (mv), or choose another path",
        ) from None
    return path


def without_password(url: str) -> str:
    """What a log or a terminal may say of a store's URL: no password, and no parameters."""
    match = _URL.fullmatch(url)
    if match is None or match["scheme"].lower() not in ("postgres", "postgresql"):
        return url
    place, _, parameters = match["rest"].partition("?")
    # The last `@` ends the user's part, even where a password has one that was to be encoded.
    user, at, place = place.rpartition("@")
    hosts = place.partition("/")[0].split(",")
    if "@" in parameters or not all(map(_HOST.fullmatch, hosts)):
        # Nobody knows where a password begins and ends here.
        return f"{match['scheme']}://..."
    return f"{match['scheme']}://{user.partition(':')[0]}{at}{place}"


def refuse_address(advertise: str | None) -> None:
    """Raises `CannotOpenStore` where a store that nobody shares is to tell others an address."""
    if advertise is not None:
        raise CannotOpenStore(
            f"Nobody can be told the address {advertise}: this store is one process's alone",
            "Leave the address out, or name a PostgreSQL database, which many services can share",
        )
