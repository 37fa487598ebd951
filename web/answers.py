"""The app's side of a connection. No failure of an answer leaves this module."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio
from hypercorn.config import Config
from hypercorn.trio.task_group import TaskGroup
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, Scope

from web.http.failure import names

log = logging.getLogger(__name__)


class ClientGone(OSError):
    """The client takes nothing more. Raised to the app by `send`, as ASGI has it."""


class Answers(TaskGroup):
    """The app's side of a connection: a task for each request, none of whose failures leaves it.

    The request's events wait in a small inbox, so that a body is read no faster than the app
    takes it. Unlike in Hypercorn's, a full inbox never holds up the end of the request.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        before_receive: Callable[[], Awaitable[None]],
        is_broken: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._nursery: trio.Nursery = nursery
        self._before_receive = before_receive
        self._is_broken = is_broken

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        in_tray, inbox = trio.open_memory_channel[ASGIReceiveEvent](config.max_app_queue_size)

        async def put(event: ASGIReceiveEvent) -> None:
            if event["type"] == "http.disconnect":
                in_tray.close()
                return
            # Closed once the request is answered: nobody will read the rest of its body.
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                try:
                    # Without a checkpoint while there is room: what came in one packet is taken in
                    # one stretch, so that a short body is complete before the app starts. An answer
                    # that precedes the end of its request would have to end the connection.
                    in_tray.send_nowait(event)
                except trio.WouldBlock:
                    await in_tray.send(event)

        self._nursery.start_soon(self._answer, app, scope, inbox, send)
        return put

    async def _answer(
        self,
        app: AppWrapper,
        scope: Scope,
        inbox: trio.MemoryReceiveChannel[ASGIReceiveEvent],
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> None:
        async def receive() -> ASGIReceiveEvent:
            await self._before_receive()
            try:
                return await inbox.receive()
            except trio.EndOfChannel:
                return {"type": "http.disconnect"}

        async def send_if_taken(event: ASGISendEvent) -> None:
            if self._is_broken():
                raise ClientGone
            await send(event)

        with inbox:
            try:
                await app(
                    scope,
                    receive,
                    send_if_taken,
                    trio.to_thread.run_sync,
                    trio.from_thread.run,
                )
            except* ClientGone:
                log.debug("%s went before its answer was complete", scope.get("client"))
            except* Exception as failures:
                log.error("The app failed to answer %s: %s", scope.get("client"), names(failures))  # noqa: TRY400
        # Completes, or breaks off, what the app left open.
        await send(None)
