"""An answer to every request: the table's, or else that of the Quart app behind it.

For a server that knows neither. Quart takes a third of a second to import, and most services are
never asked for what only it answers; so it is imported, in a thread, when that happens first.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module

import trio

from web.api.dispatch import Api
from web.http.asgi import App
from web.http.guest import answered_by
from web.http.message import Request, Response


@asynccontextmanager
async def open_answers(api: Api) -> AsyncIterator[Callable[[Request], Awaitable[Response]]]:
    """What answers every request, for as long as the context is open. It raises `ClientGone`."""
    importing = trio.Lock()
    apps: list[App] = []

    async def app_behind() -> App:
        async with importing:
            if not apps:
                module = await trio.to_thread.run_sync(import_module, "web.app")
                apps.append(module.App(api).answer_others)
        return apps[0]

    async def answer(request: Request) -> Response:
        response = await api.answer(request)
        if response is None:
            response = await answered_by(await app_behind(), request, nursery)
        return response

    async with trio.open_nursery() as nursery:
        yield answer
        nursery.cancel_scope.cancel()
