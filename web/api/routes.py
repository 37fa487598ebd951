"""The table of routes: every call, found by its path as it was sent, and its method exactly.

Each file of this package has its own rows as `ROUTES`; here they become one table, under the
prefix, or beside it. Rules:

- Nothing of a path is repaired: two slashes are not one, and a fixed part is only what is written
  here, and not what means the same when decoded.
- A captured segment may be anything but empty. It is decoded by whoever answers.
- `HEAD` is answered wherever `GET` is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache

from attrs import Factory, define, field, frozen

from web.api import modules
from web.call.route import Route

PREFIX = "/api/v1"

_PREFIXES: Mapping[str | None, Sequence[str]] = {
    None: (PREFIX,),
    "too": ("", PREFIX),
    "only": ("",),
}
"""Before the path of a row, by what it says of itself."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The usual ones: what another server may ask for. Not all of them are answered anywhere."""

_REMEMBERED, _SHORT = 1024, 256
"""Paths of which it is remembered where they lead, and their characters at most: who polls sends
the same ones, and strangers fill a quarter of a mebibyte."""


@frozen(eq=False)
class Place:
    """A path at which something can be called."""

    template: str
    """With its prefix: what requests are counted by."""
    names: Sequence[str]
    """Of the captured segments, in order."""
    routes: Mapping[str, Route]
    """By method."""
    session_at: int | None = field(
        init=False, default=Factory(lambda self: _session_in(self.names), takes_self=True)
    )
    """Which of the captured segments is a session's id."""

    @property
    def allow(self) -> str:
        """The methods, as the header has it."""
        return ", ".join(sorted({*self.routes, "OPTIONS"}))


@define(eq=False)
class _Node:
    """What may follow at one place of a path."""

    fixed: dict[str, "_Node"] = field(factory=dict)
    captured: "_Node | None" = None
    place: Place | None = None

    def find(self, segments: Sequence[str], start: int, values: list[str]) -> Place | None:
        """The place that the rest of the segments lead to; what is captured goes to `values`."""
        if start == len(segments):
            return self.place
        segment = segments[start]
        following = self.fixed.get(segment)
        if following is not None:
            found = following.find(segments, start + 1, values)
            if found is not None:
                return found
        if self.captured is None or not segment:
            return None
        values.append(segment)
        found = self.captured.find(segments, start + 1, values)
        if found is None:
            values.pop()
        return found


class Table:
    """All routes, and the places where they are."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._top = _Node()
        self._known = lru_cache(_REMEMBERED)(self._find)
        by_path: dict[str, list[Route]] = {}
        for route in self.routes:
            for prefix in _PREFIXES[route.outside]:
                by_path.setdefault(prefix + route.path, []).append(route)
        self.places = tuple(_place(path, found) for path, found in by_path.items())
        """One for each path, with its prefix."""
        for place in self.places:
            self._add(place)

    def find(self, path: str) -> tuple[Place | None, Sequence[str]]:
        """The place of a path as it was sent, and the captured segments, still encoded."""
        return self._known(path) if len(path) <= _SHORT else self._find(path)

    def _find(self, path: str) -> tuple[Place | None, Sequence[str]]:
        values: list[str] = []
        return self._top.find(path.split("/"), 0, values), tuple(values)

    def _add(self, place: Place) -> None:
        node = self._top
        for segment in place.template.split("/"):
            if segment.startswith("<"):
                node.captured = node.captured or _Node()
                node = node.captured
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.place = place


@cache
def whole_table() -> Table:
    """Of the rows of all files here. It is made once: what they say does not change."""
    return Table(_rows())


def _rows() -> Iterator[Route]:
    for module in modules():
        yield from getattr(module, "ROUTES", ())


def _session_in(names: Sequence[str]) -> int | None:
    return names.index("session_id") if "session_id" in names else None


def _place(template: str, routes: Iterable[Route]) -> Place:
    by_method: dict[str, Route] = {}
    for route in routes:
        assert route.method not in by_method, f"{route.method} {template} is there twice"
        by_method[route.method] = route
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]
    names = [part[1:-1] for part in template.split("/") if part.startswith("<")]
    return Place(template, names, by_method)
