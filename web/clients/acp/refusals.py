"""What goes wrong, as the protocol says it: a `RequestError` with the same sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from acp import RequestError

from web.clients.errors import AgentRuntimeError, InvalidCall, NotFound, TooLarge

NO_SUCH_SESSION = -32002
INVALID = -32602
INTERNAL = -32603


@contextmanager
def as_request_errors() -> Iterator[None]:
    """Raises `RequestError` for what the service refuses, or if it is away."""
    try:
        yield
    except AgentRuntimeError as error:
        raise RequestError(_code(error), str(error)) from error


def unknown(session_id: str) -> RequestError:
    """The client names a session that nobody knows."""
    return RequestError(
        NO_SUCH_SESSION, f"There is no session {session_id!r}", {"sessionId": session_id}
    )


def _code(error: AgentRuntimeError) -> int:
    if isinstance(error, NotFound):
        return NO_SUCH_SESSION
    return INVALID if isinstance(error, InvalidCall | TooLarge) else INTERNAL
