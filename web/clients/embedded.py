"""A runtime in a thread of this process, for adapters in place of a service's address.

It is the one file here that imports the runtime. Calls go through the service's own table, so they
mean and answer the same; only the connection is left out.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

import trio
from attrs import define, field

from persistence import open_store
from runtime import RuntimeConfig, open_runtime
from web.api.dispatch import Api
from web.clients.core.call import Call, Reply
from web.clients.errors import ServiceUnreachable
from web.http.message import Headers, Request


@define(eq=False)
class Portal:
    """Implements `Transport`. Used by any number of threads at one time, but not by its own."""

    _api: Api
    _token: trio.lowlevel.TrioToken
    _is_open: bool = field(default=True, init=False)

    def exchange(self, call: Call) -> Reply:
        """Asks the runtime. Raises `ServiceUnreachable`: it has ended."""
        if not self._is_open:
            raise ServiceUnreachable("The embedded runtime is closed", was_sent=False)
        try:
            return trio.from_thread.run(self._answer, call, trio_token=self._token)
        except (trio.RunFinishedError, trio.Cancelled) as error:
            raise ServiceUnreachable("The embedded runtime has ended", was_sent=True) from error

    def close(self) -> None:
        """Does nothing: `open_portal` closes it."""

    def _end(self) -> None:
        self._is_open = False

    async def _answer(self, call: Call) -> Reply:
        headers = [*call.headers, ("Content-Type", call.content_type)]
        request = Request(
            method=call.method,
            path=call.path,
            query=call.query_string,
            headers=Headers(headers),
            body=_Content(call.content),
        )
        response = await self._api.answer(request)
        assert response is not None, f"{call.path} is no call"
        body = response.body
        if isinstance(body, tuple):
            body = b"".join(body)
        elif not isinstance(body, bytes):
            body = b"".join([chunk async for chunk in body])
        answered = {name.lower(): value for name, value in response.headers}
        return Reply(response.status, answered, body)


@define
class _Content:
    """A body that is all there."""

    _left: bytes

    @property
    def announced(self) -> int:
        return len(self._left)

    async def receive(self) -> bytes:
        piece, self._left = self._left, b""
        return piece


@contextmanager
def open_portal(database_url: str, config: RuntimeConfig | None = None) -> Iterator[Portal]:
    """A runtime over a store, in a thread of its own, until the block ends.

    `database_url`: as `agent-runtime serve --db` takes it. `config`: by default, writes are on disk
    within `snapshot_interval`, and at the end of the block; `RuntimeConfig(durability="commit")`
    waits for the disk each time. Raises what `open_store` raises.
    """
    opened: SimpleQueue[Portal | BaseException] = SimpleQueue()
    ending = trio.Event()

    async def serve() -> None:
        store = await trio.to_thread.run_sync(open_store, database_url)
        async with open_runtime(store, config or RuntimeConfig()) as runtime:
            portal = Portal(Api(runtime), trio.lowlevel.current_trio_token())
            opened.put(portal)
            await ending.wait()

    failures: list[BaseException] = []

    def run() -> None:
        try:
            trio.run(serve)
        except BaseException as error:  # the thread that waits for it raises it
            failures.append(error)
            opened.put(error)

    thread = threading.Thread(target=run, name="agent-runtime")
    thread.start()
    found = opened.get()
    if not isinstance(found, Portal):
        thread.join()
        raise found
    try:
        yield found
    finally:
        found._end()
        with suppress(trio.RunFinishedError):  # it has failed, as is told below
            found._token.run_sync_soon(ending.set)
        thread.join()
    if failures:
        raise failures[0]
