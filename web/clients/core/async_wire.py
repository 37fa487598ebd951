"""Calls over HTTP by httpx, awaited."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import httpx
from attrs import define, field, frozen

from web.clients.core.call import AsyncAnswer, Call, Reply
from web.clients.core.place import Place
from web.clients.core.wire import heads_of, request_of, unreachable


@define(eq=False)
class AsyncWire:
    """Implements `AsyncTransport` over a pool of connections."""

    _place: Place
    _http: httpx.AsyncClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._http = httpx.AsyncClient(  # `trust_env`: as `Wire` has it
            base_url=self._place.url, headers=self._place.headers, trust_env=False
        )

    async def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""
        try:
            answer = await self._http.send(request_of(self._http, call))
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error
        return Reply(answer.status_code, heads_of(answer), answer.content)

    async def open(self, call: Call) -> AsyncAnswer:
        """The same, of an answer that is to be read as it comes. Raises `ServiceUnreachable`."""
        try:
            answer = await self._http.send(request_of(self._http, call), stream=True)
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error
        return _Answer(self._place, answer, answer.status_code, heads_of(answer))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


@frozen(eq=False)
class _Answer:
    """Implements `AsyncAnswer`."""

    _place: Place
    _response: httpx.Response
    status: int
    headers: Mapping[str, str]
    _pieces: AsyncIterator[bytes] = field(init=False)

    @_pieces.default
    def _read(self) -> AsyncIterator[bytes]:
        return self._response.aiter_bytes()

    async def next(self) -> bytes:
        try:
            return await anext(self._pieces, b"")
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error

    async def aclose(self) -> None:
        await self._response.aclose()
        # httpx reads through generators within each other, and closes none but the outermost: trio
        # would warn of each. So they are run to their end, which a closed connection is.
        with suppress(httpx.RequestError, httpx.StreamError):
            while await anext(self._pieces, b""):
                pass
