"""What an operator asks for: cleaning up, how the service is, who shares its store."""

from typing import Any, NotRequired, TypedDict

from web.clients.calls.terms import as_json, get, path, post
from web.clients.core.call import Ask, Call


class Node(TypedDict):
    id: str
    shards: int
    seen: str
    address: NotRequired[str]
    leaving: NotRequired[bool]
    self: NotRequired[bool]


"""A process that serves a part of the sessions."""


class Nodes(TypedDict):
    """All of them; none, where the store is one process's own."""

    nodes: list[Node]


class Health(TypedDict):
    """How the service is."""

    status: str
    """`healthy`, `degraded` or `leaving`."""
    durability: str
    active_sessions: int
    dirty_sessions: int
    failing_since: NotRequired[str]
    reason: NotRequired[str]


class Cleaned(TypedDict):
    """How many sessions went into the trash, or, of a dry run, would go."""

    deleted: int
    would_delete: NotRequired[int]


def cleanup(*, max_age_hours: float | None = None, dry_run: bool = False) -> Ask[Cleaned]:
    """Puts the sessions into the trash whose last activity is longer ago.

    `max_age_hours`: 24, if absent. `dry_run`: only says how many those are.
    """
    said = {"max_age_hours": max_age_hours, "dry_run": dry_run}
    # Sent again, it would answer that there was nothing to do.
    call = post(path("maintenance", "cleanup"), said, is_repeatable=dry_run)
    return Ask(call, as_json(Cleaned))


def health() -> Ask[Health]:
    """How the service is, also when it takes no writes. Asked once: its fault is the answer."""
    return Ask(Call(method="GET", path="/health"), as_json(Health), answers=(503,))


def list_nodes() -> Ask[Nodes]:
    """The nodes that share the store, as the one that answers last found them."""
    return Ask(get(path("nodes")), as_json(Nodes))


def openapi() -> Ask[dict[str, Any]]:
    """The service's own description of all its calls."""
    return Ask(get("/openapi.json"), as_json(dict[str, Any]))
