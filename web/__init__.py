"""The REST service over a runtime.

What is here is imported when somebody uses it, Quart and the documentation above all: see `behind`.
A map, in the order in which one file may import another:

- `systems`     what differs between operating systems
- `problems`    what an operator is told
- `http`        between bytes, and a request and its answer
- `access`      who may come in
- `tracing`     a span a request and a commit, where somebody collects them
- `metrics`     what is counted
- `exposition`  the same as text
- `call`        what every endpoint uses
- `console`     the page at `/`, for people
- `ui`          what user interfaces take and send: their protocols, as pure conversions
- `nodes`       what other nodes own is asked of them, where many share a store
- `api`         the calls: one table, one dispatch, and a file a subject
- `docs`        from the table to the OpenAPI document, and its page
- `app`         `create_app`
- `mounted`     `create_blueprint`, for a larger app
- `behind`      an answer to every request, for a server that knows no Quart
- `hosts`       servers of others that the app can stand on
- `formats`     the transcripts of other agents, read as logs
- `clients`     for programs outside: the API, and adapters for agents' frameworks
- `cli`         the composition root: the commands, and the service from start to end
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from web.access.rules import Guard
    from web.app import create_app
    from web.mounted import create_blueprint
    from web.nodes.forwarding import open_forwarding

__all__ = ["Guard", "create_app", "create_blueprint", "open_forwarding"]

_MODULES = {
    "Guard": "web.access.rules",
    "create_app": "web.app",
    "create_blueprint": "web.mounted",
    "open_forwarding": "web.nodes.forwarding",
}


def __getattr__(name: str) -> Any:
    """What is imported only when it is used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
