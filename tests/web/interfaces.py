"""Streams for user interfaces: events that have nothing but data, to the end."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from quart import Response

from tests.web.conftest import Api

Json = dict[str, Any]


async def chunks_of(answer: Response) -> list[Json]:
    """The data of its events, and of the AI SDK's that the end is there."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    text = await answer.get_data(as_text=True)
    if "x-vercel-ai-ui-message-stream" in answer.headers:
        assert text.endswith("data: [DONE]\n\n")
        text = text.removesuffix("data: [DONE]\n\n")
    frames = [frame for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


async def followed(
    api: Api, method: str, path: str, meanwhile: Callable[[], Awaitable[object]], **request: Any
) -> list[Json]:
    """The chunks of a stream to its end, which what happens meanwhile has to bring about."""
    found: list[Json] = []

    async def follow() -> None:
        found.extend(await chunks_of(await api.call(method, path, **request)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        while not api.runtime._parts.feeds.are_followed:
            await trio.sleep(0)
        await meanwhile()
    return found


async def draft(api: Api, text: str, name: str = "a1", part: str = "content") -> None:
    """Adds to a message that is still being written."""
    answer = await api.post(f"/sessions/s/drafts/{name}", {"append": text, "part": part})
    assert answer.status_code in (200, 201)


async def answer(api: Api, text: str, name: str = "a1") -> None:
    """An agent's message."""
    message = {"role": "assistant", "content": text, "id": name}
    assert (await api.post("/sessions/s/messages", message)).status_code == 201


def kinds(chunks: list[Json]) -> list[str]:
    """What each of them is."""
    return [chunk["type"] for chunk in chunks]
