"""Whether there are spans. It is found out once, when a service is made: without, nothing costs."""

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Protocol, TypeVar

from runtime import Attempt
from web.http.message import Headers, Request, Response

Answered = TypeVar("Answered", Response, Response | None)


class Spans(Protocol):
    """Where spans go. See `collected` for what is in them."""

    async def request(
        self, request: Request, answer: Callable[[Request], Awaitable[Answered]]
    ) -> Answered:
        """What `answer` says to `request`, in a span of its own."""

    def name(self, method: str, route: str) -> None:
        """Names the span of the request in progress, like `GET /sessions/{session_id}`."""

    def onward(self, headers: Headers) -> Headers:
        """A request's head as it is passed on: the next span belongs to that in progress."""

    def commit(self, attempt: Attempt) -> None:
        """Records a commit. For `open_runtime`."""


def spans() -> Spans | None:
    """Where spans go; `None`: OpenTelemetry is not installed, or nobody has configured it."""
    if find_spec("opentelemetry") is None:
        return None
    from web.tracing.collected import collected

    return collected()
