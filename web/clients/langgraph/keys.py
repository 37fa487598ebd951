"""The keys of a thread's records.

Rules:

- A checkpoint's key ends with its id. Ids grow, so the last key of a namespace is its latest one.
- A channel's value is kept under its version, whichever checkpoints have it.
- What stands between two slashes is escaped, so no name reaches into another's place.
"""

from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote

PREFIX = "langgraph/"
"""Of all of them."""

LONGEST = 120
"""Characters of a name; a key of 512 bytes has room for three. Of a longer one, a digest stands."""

END = "\U0010ffff"
"""Behind all that a name can begin with."""


def checkpoints(namespace: str | None = None) -> str:
    """What the keys of checkpoints begin with; `None`: in all namespaces."""
    return f"{PREFIX}c/" if namespace is None else f"{PREFIX}c/{_name(namespace)}/"


def checkpoint(namespace: str, checkpoint_id: str) -> str:
    """A checkpoint's."""
    # Not shortened: a digest would not keep the order.
    return checkpoints(namespace) + _escaped(checkpoint_id)


def writes(namespace: str, checkpoint_id: str) -> str:
    """What the keys of its writes begin with."""
    return f"{PREFIX}w/{_name(namespace)}/{_escaped(checkpoint_id)}/"


def write(namespace: str, checkpoint_id: str, task_id: str, index: int) -> str:
    """One write's."""
    return f"{writes(namespace, checkpoint_id)}{_name(task_id)}/{index}"


def value(namespace: str, channel: str, version: str | int | float) -> str:
    """That of a channel's value."""
    return f"{PREFIX}v/{_name(namespace)}/{_name(channel)}/{_name(str(version))}"


def parts(key: str) -> str:
    """What the keys of a record's parts begin with."""
    return f"{PREFIX}p/{blake2b(key.encode(), digest_size=16).hexdigest()}/"


def part(key: str, number: int) -> str:
    """One part's."""
    return f"{parts(key)}{number:06}"


def _name(name: str) -> str:
    escaped = _escaped(name)
    if len(escaped) <= LONGEST:
        return escaped
    # No escape begins so.
    return f"={blake2b(escaped.encode(), digest_size=16).hexdigest()}"


@lru_cache(4096)  # a thread's few names, over and over
def _escaped(name: str) -> str:
    return quote(name.encode(errors="surrogatepass"), safe=":|@+,")
