"""A served app, for the clients of `tests.web.http.serving`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.web.http import serving
from tests.web.http.serving import Answer, Client, Served
from web.app import App
from web.behind import open_answers
from web.http.limits import ServerConfig

__all__ = ["Answer", "Client", "Served", "open_server"]


@asynccontextmanager
async def open_server(app: App, config: ServerConfig | None = None) -> AsyncIterator[Served]:
    """Serve what the app does on a free port; shut down gracefully at the end."""
    async with (
        open_answers(app.api) as answer,
        serving.open_server(answer, config) as served,
    ):
        yield served
