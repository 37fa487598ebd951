"""The REST service over a runtime.

A map, in the order in which one file may import another:

- `systems`        what differs between operating systems
- `http`           between bytes, and a request and its answer
- `problems`       one table: error to status
- `paths`          ids in paths
- `describe`       what an endpoint reads and answers
- `body`           from a request to values, from values to a response
- `schemas`, `messages`   what goes over the wire
- `tags`           which state an answer is of, and which one a write expects
- `history`        a history over the wire, at once or in pieces
- `preference`     what a write asks for in its head
- `endpoint`       an endpoint is a function of the request
- `access`       who may come in
- `metrics`        what is counted
- `listing`        the list of sessions: filters, pages, streams
- `sessions`, `agents`, `health`   endpoints: parse, ask, render
- `api`            more of them, a file a subject
- `docs`         from the endpoints to the OpenAPI document, and its page
- `bodies`         how much of them may be in memory
- `connection`     one request between the server and the app
- `direct`         the short way from a request to its endpoint
- `app`            `create_app`, and `create_blueprint` for a larger app
- `tracing`      a span a request and a commit, where somebody collects them
- `answers`, `http1`, `wire`, `server`   HTTP/1.1; a broken connection harms itself
- `hosts`        servers of others that the app can stand on
- `cli`          the composition root: the commands, and the service from start to end
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.access.rules import Guard
    from web.app import create_app, create_blueprint

__all__ = ["Guard", "create_app", "create_blueprint"]

_PLACES = {"Guard": "web.access.rules", "create_app": "web.app", "create_blueprint": "web.app"}


def __getattr__(name: str) -> object:
    """Imports what is asked for then: it takes long, and a file in here may not need it."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'web' has no attribute {name!r}")
