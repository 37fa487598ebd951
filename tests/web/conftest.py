"""The service over a memory store, and the calls that clients make."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from attrs import define, field
from quart import Response
from trio.testing import MockClock
from werkzeug.routing import Rule

from persistence import MemoryStore
from runtime import Runtime, RuntimeConfig, Store, open_runtime
from tests.clock import Clock
from tests.runtime.fakes import patient_threads
from tests.web import under_hosts as hosts
from tests.web.under_hosts import Ask, Host


@define
class Api:
    """The service under some host, and the calls that clients make."""

    ask: Ask
    runtime: Runtime
    clock: Clock
    headers: dict[str, str] = field(factory=lambda: {"Host": "localhost:8001"})

    async def call(self, method: str, path: str, **request: Any) -> Response:
        headers = {**self.headers, **request.pop("headers", {})}
        body = request.pop("data", b"")
        if "json" in request:
            body = json.dumps(request.pop("json")).encode()
            headers.setdefault("Content-Type", "application/json")
        assert not request
        return await self.ask(method, path, headers, body)

    async def get(self, path: str, **request: Any) -> Response:
        return await self.call("GET", f"/api/v1{path}", **request)

    async def post(self, path: str, json: Any = None, **request: Any) -> Response:
        if json is not None:
            request["json"] = json
        return await self.call("POST", f"/api/v1{path}", **request)

    async def say(self, session_id: str, *contents: str) -> None:
        """Appends user messages."""
        messages = [{"role": "user", "content": content} for content in contents]
        answer = await self.post(f"/sessions/{session_id}/messages", {"messages": messages})
        assert answer.status_code == 201


@asynccontextmanager
async def open_api(
    store: Store | None = None, *, host: Host = hosts.app, **config: Any
) -> AsyncIterator[Api]:
    clock = Clock()
    settings = RuntimeConfig(**{"durability": "commit", **config})
    async with (
        open_runtime(store or MemoryStore(), settings, now=clock) as runtime,
        host(runtime, None) as ask,
    ):
        yield Api(ask, runtime, clock)


@pytest.fixture(scope="session", autouse=True)
def _urls_are_made_when_asked_for() -> Iterator[None]:
    """An app has a compiled function for each of its rules that makes URLs; it compiles when used.

    Only the page of the documentation asks, and all of them took a third of the tests' time.
    """
    compiled_at_once: Any = Rule._compile_builder

    def compiled_when_used(rule: Rule, append_unknown: bool = True) -> Any:
        compiled = cache(lambda: compiled_at_once(rule, append_unknown))

        def build(*arguments: Any, **values: Any) -> Any:
            return compiled()(*arguments, **values)

        return build

    with patch.object(Rule, "_compile_builder", compiled_when_used):
        yield


@pytest.fixture(params=hosts.ALL.values(), ids=list(hosts.ALL))
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """The service, under each of its hosts."""
    async with open_api(host=request.param) as api:
        yield api


@pytest.fixture(params=hosts.ALONE.values(), ids=list(hosts.ALONE))
async def lone_api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """The service where it has all paths for itself."""
    async with open_api(host=request.param) as api:
        yield api


@pytest.fixture
def patient_clock() -> Iterator[MockClock]:
    """Trio's time: jumps to the next deadline when all tasks wait and no thread works.

    So what fails in time does, and what works is never late. Not for sockets: nobody knows what is
    on its way between them.
    """
    with patient_threads():
        yield MockClock(autojump_threshold=0)
