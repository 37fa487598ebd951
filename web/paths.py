"""Ids in paths: any legal session id, percent-encoded, is one segment, also with `%2F` in it.

A request is matched by its path as it was sent, still encoded: decoded first, `a%2Fb` would be two
segments. All rules consist of fixed ASCII parts and whole segments, so nothing else depends on it.
What a segment says is found out here, and only here, so that nothing is decoded twice.

A larger Quart app that mounts the blueprint has its own map, and matches decoded paths, as Quart
does. There an id with a slash cannot be reached, and a server in front may lose `%2F` as well.
"""

from urllib.parse import quote, unquote_to_bytes

from hypercorn.typing import HTTPScope, WebsocketScope
from werkzeug.exceptions import BadRequest
from werkzeug.routing import BaseConverter


class Segment(BaseConverter):
    """One segment of a path: what it says, decoded as UTF-8."""

    def to_python(self, value: str) -> str:
        try:
            return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
        except UnicodeError:
            raise BadRequest("session id: the path is not percent-encoded UTF-8") from None

    def to_url(self, value: str) -> str:
        return segment(value)


def segment(value: str) -> str:
    """The value as one segment of a path."""
    return quote(value, safe="")


def sent_path(scope: HTTPScope | WebsocketScope, decoded: str) -> str:
    """A request's path as it was sent, below the app's root; a character stands for a byte.

    `decoded` is what the server made of it. A server need not tell more than that; it is encoded
    again then, which is right for all ids but those with a slash.
    """
    raw = scope.get("raw_path") or b""
    root = scope.get("root_path") or ""
    path = raw.partition(b"?")[0].decode("latin-1")
    if not path.startswith(f"{root}/"):
        return quote(decoded)
    return path.removeprefix(root)
