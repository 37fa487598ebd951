"""The spans of one tracer, with the names of OpenTelemetry's conventions for HTTP servers.

Rules:

- A caller's `traceparent` is honoured, by whatever propagators are configured.
- What was asked is told by its route. The path is not recorded, although the conventions ask for
  it, nor what an exception says: ids may be private, and so may be what a user wrote.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from attrs import frozen
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from runtime import Attempt
from web.http.message import Headers, Request, Response

Answered = TypeVar("Answered", Response, Response | None)

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Any other may be a name that a client has made up: the conventions call it `_OTHER`."""


class Fields(Getter[Headers]):
    """How propagators read a head."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        return list(carrier.all(key.lower())) or None

    def keys(self, carrier: Headers) -> list[str]:
        return [name for name, _ in carrier]


@frozen
class Collected:
    """Spans that somebody collects."""

    _tracer: Tracer

    async def request(
        self, request: Request, answer: Callable[[Request], Awaitable[Answered]]
    ) -> Answered:
        """What `answer` says to `request`, in a span of its own; a stream outlives it."""
        with self._span(request) as span:
            response = await answer(request)
            if response is not None:
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= 500:
                    _fail(span, str(response.status))
        return response

    def name(self, method: str, route: str) -> None:
        """Names the span of the request in progress, like `GET /sessions/{session_id}`."""
        span = trace.get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)

    def onward(self, headers: Headers) -> Headers:
        """A request's head as it is passed on: the next span belongs to that in progress."""
        ours: dict[str, str] = {}
        propagate.inject(ours)
        kept = [(name, value) for name, value in headers if name not in ours]
        return Headers([*kept, *ours.items()])

    def commit(self, attempt: Attempt) -> None:
        """Records a commit, on its own: it is of many requests at once."""
        began = attempt.began_at
        span = self._tracer.start_span(
            "commit",
            Context(),
            attributes={"agent_runtime.sessions": attempt.sessions},
            start_time=_nanoseconds(began.timestamp()),
        )
        if attempt.error is not None:
            _fail(span, type(attempt.error).__qualname__)
        span.end(_nanoseconds((began + timedelta(seconds=attempt.seconds)).timestamp()))

    @contextmanager
    def _span(self, request: Request) -> Iterator[Span]:
        is_known = request.method in METHODS
        with self._tracer.start_as_current_span(
            request.method if is_known else "HTTP",
            propagate.extract(request.headers, getter=Fields()),
            SpanKind.SERVER,
            {"http.request.method": request.method if is_known else "_OTHER"},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _fail(span, type(error).__qualname__)
                raise


def collected() -> Collected | None:
    """The spans of the configured provider; `None`: there is none, or one that drops them."""
    provider: TracerProvider = trace.get_tracer_provider()
    if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return None
    return Collected(provider.get_tracer("agent_runtime"))


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
