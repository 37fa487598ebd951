"""Where somebody collects spans there is one for each request and each commit; else, nothing."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from persistence import MemoryStore
from runtime import Attempt, Message, StoreUnavailable, open_runtime
from tests.clock import Clock
from tests.runtime.fakes import FakeStore
from web.http.message import Headers, Request, Response
from web.tracing.spans import Spans, spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class NoBody:
    announced = 0

    async def receive(self) -> bytes:
        return b""


def request(method: str = "GET", **headers: str) -> Request:
    fields = Headers(headers.items())
    return Request(method=method, path="/sessions/private", headers=fields, body=NoBody())


async def hello(request: Request) -> Response:
    return Response(200, b"hello")


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is collected, since the program around has configured that."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # OpenTelemetry takes one provider a process, and the tests are one.
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    [span] = exporter.get_finished_spans()
    return span


def found() -> Spans:
    there = spans()
    assert there is not None
    return there


# Without


def test_where_nobody_collects_there_are_none() -> None:
    assert spans() is None


def test_without_opentelemetry_nothing_of_it_is_imported() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name: None if name == 'opentelemetry' else find(name)\n"
        "from web.tracing.spans import spans; print(spans())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "None\n"


# A request


async def test_a_request_is_a_span_with_method_and_status(exported: InMemorySpanExporter) -> None:
    answer = await found().request(request(), hello)
    assert answer.body == b"hello"
    span = only(exported)
    assert (span.name, span.kind) == ("GET", SpanKind.SERVER)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_the_caller_is_the_parent_whose_traceparent_it_sends(
    exported: InMemorySpanExporter,
) -> None:
    await found().request(request(traceparent=f"00-{TRACE}-{PARENT}-01"), hello)
    span = only(exported)
    assert span.parent is not None
    assert (f"{span.parent.span_id:016x}", f"{span.parent.trace_id:032x}") == (PARENT, TRACE)


async def test_what_is_passed_on_says_that_this_span_is_the_parent(
    exported: InMemorySpanExporter,
) -> None:
    there = found()

    async def pass_on(request: Request) -> Response:
        return Response(200, b"", tuple(there.onward(request.headers)))

    asked = request(traceparent=f"00-{TRACE}-{PARENT}-01", turn="5")
    answer = await there.request(asked, pass_on)
    context = only(exported).context
    assert context is not None
    assert dict(answer.headers) == {
        "turn": "5",
        "traceparent": f"00-{TRACE}-{context.span_id:016x}-01",
    }


async def test_a_route_names_the_span_and_no_id_is_in_it(exported: InMemorySpanExporter) -> None:
    there = found()

    async def dispatch(request: Request) -> Response:
        there.name(request.method, "/sessions/{session_id}")
        return Response(404)

    await there.request(request(), dispatch)
    span = only(exported)
    assert span.name == "GET /sessions/{session_id}"
    assert (span.attributes or {})["http.route"] == "/sessions/{session_id}"
    assert "private" not in span.to_json()
    assert span.status.status_code is StatusCode.UNSET


async def test_an_answer_that_is_a_failure_makes_the_span_one(
    exported: InMemorySpanExporter,
) -> None:
    async def fail(request: Request) -> Response:
        return Response(503)

    await found().request(request(), fail)
    span = only(exported)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "503"


async def test_an_exception_is_named_and_not_quoted(exported: InMemorySpanExporter) -> None:
    async def fail(request: Request) -> Response:
        raise ValueError("a secret")

    with pytest.raises(ValueError, match="a secret"):
        await found().request(request(), fail)
    span = only(exported)
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert "secret" not in span.to_json()


async def test_a_method_that_a_client_made_up_names_nothing(
    exported: InMemorySpanExporter,
) -> None:
    await found().request(request("BREW"), hello)
    span = only(exported)
    assert span.name == "HTTP"
    assert (span.attributes or {})["http.request.method"] == "_OTHER"


async def test_a_path_that_is_not_ours_is_a_span_without_a_status(
    exported: InMemorySpanExporter,
) -> None:
    async def unknown(request: Request) -> Response | None:
        return None

    assert await found().request(request(), unknown) is None
    assert "http.response.status_code" not in (only(exported).attributes or {})


# A commit


async def test_a_commit_is_a_span_that_says_how_long_it_took_and_of_how_many_sessions(
    exported: InMemorySpanExporter,
) -> None:
    clock = Clock()
    async with open_runtime(MemoryStore(), now=clock, on_commit=found().commit) as runtime:
        for name in "ab":
            await runtime.session(name).append(Message(role="user", content="hi"))
        await runtime.flush()
    span = only(exported)
    assert (span.name, span.parent) == ("commit", None)
    assert dict(span.attributes or {}) == {"agent_runtime.sessions": 2}
    assert span.start_time == int(clock.moment.timestamp() * 1e9)
    assert span.end_time is not None
    assert span.end_time >= span.start_time


async def test_a_commit_that_fails_is_a_span_that_failed(
    exported: InMemorySpanExporter,
) -> None:
    store, there = FakeStore(), found()
    store.commit_error = StoreUnavailable("the disk is full of secrets")

    def repair(attempt: Attempt) -> None:
        there.commit(attempt)
        store.commit_error = None

    async with open_runtime(store, on_commit=repair) as runtime:
        await runtime.session("a").append(Message(role="user", content="hi"))
    failed, done = exported.get_finished_spans()
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "StoreUnavailable"
    assert "secrets" not in failed.to_json()
    assert done.status.status_code is StatusCode.UNSET
