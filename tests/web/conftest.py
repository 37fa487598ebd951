"""A service without a socket: the app over a runtime over a memory store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field
from quart import Response
from quart_trio import QuartTrio
from trio.testing import MockClock

from persistence import MemoryStore
from runtime import Runtime, RuntimeConfig, Store, open_runtime
from tests.clock import Clock
from tests.runtime.fakes import patient_threads
from web import create_app


@define
class Api:
    """The service, and the calls that clients make."""

    app: QuartTrio
    runtime: Runtime
    clock: Clock
    headers: dict[str, str] = field(factory=lambda: {"Host": "localhost:8001"})

    async def call(self, method: str, path: str, **request: Any) -> Response:
        headers = {**self.headers, **request.pop("headers", {})}
        # The test client tells only the decoded path, as no server does.
        request["scope_base"] = {"raw_path": path.partition("?")[0].encode()}
        client = self.app.test_client()
        answer = await client.open(path, method=method, headers=headers, **request)
        assert isinstance(answer, Response)
        return answer

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
async def open_api(store: Store | None = None, **config: Any) -> AsyncIterator[Api]:
    clock = Clock()
    settings = RuntimeConfig(**{"durability": "commit", **config})
    async with open_runtime(store or MemoryStore(), settings, now=clock) as runtime:
        yield Api(create_app(runtime), runtime, clock)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with open_api() as api:
        yield api


@pytest.fixture
def patient_clock() -> Iterator[MockClock]:
    """Trio's time: jumps to the next deadline when all tasks wait and no thread works.

    So what fails in time does, and what works is never late. Not for sockets: nobody knows what is
    on its way between them.
    """
    with patient_threads():
        yield MockClock(autojump_threshold=0)
