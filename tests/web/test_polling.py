"""Who asks again, over one connection and with the same bytes, is told how it is now."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from persistence import MemoryStore
from runtime import Runtime, RuntimeConfig, open_runtime
from tests.clock import Clock
from tests.web.http.serving import in_memory
from tests.web.serving import Answer, open_server
from web import create_app
from web.access.rules import Guard
from web.api.dispatch import Api
from web.behind import open_answers

HISTORY = "/api/v1/sessions/s/history"

IN_COMMIT = RuntimeConfig(durability="commit")
IN_SNAPSHOT = RuntimeConfig(durability="snapshot", snapshot_interval=1_000)

Change = Callable[[Runtime], Awaitable[object]]


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def begin_anew(runtime: Runtime) -> None:
    await runtime.session("s").delete()
    await runtime.session("s").append(said("anew"), said("again"))


CHANGES: dict[str, Change] = {
    "append": lambda runtime: runtime.session("s").append(said("three")),
    "rewind": lambda runtime: runtime.session("s").rewind(1),
    "redact": lambda runtime: runtime.session("s").redact(2, "/content"),
    "switch": lambda runtime: runtime.session("s").switch_agent("coder"),
    "title": lambda runtime: runtime.session("s").update({"title": "A plan"}),
    "record": lambda runtime: runtime.session("s").put_records({"k": 1}),
    "delete": lambda runtime: runtime.session("s").delete(),
    "purge": lambda runtime: runtime.session("s").delete(purge=True),
    "begin anew": begin_anew,
}


def told(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """All of it, but when."""
    headers = {name: text for name, text in answer.headers.items() if name != "date"}
    return answer.status, answer.body, headers


@pytest.mark.parametrize("config", [IN_COMMIT, IN_SNAPSHOT])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_told_to_who_asks_again(change: str, config: RuntimeConfig) -> None:
    async with (
        open_runtime(MemoryStore(), config, now=Clock()) as runtime,
        open_server(create_app(runtime)) as server,
        await server.connect() as client,
    ):
        await runtime.session("s").append(said("one"), said("two"), durable=True)
        first = [await client.ask("GET", HISTORY) for _ in range(3)]
        assert told(first[0]) == told(first[1]) == told(first[2])
        await CHANGES[change](runtime)
        for method in ("GET", "HEAD", "GET"):
            again = await client.ask(method, HISTORY)
            async with await server.connect() as stranger:
                assert told(again) == told(await stranger.ask(method, HISTORY))
        assert again.headers.get("etag") != first[0].headers["etag"]


async def test_a_304_is_not_given_any_more_once_something_is_new() -> None:
    async with (
        open_runtime(MemoryStore(), now=Clock()) as runtime,
        open_server(create_app(runtime)) as server,
        await server.connect() as client,
    ):
        await runtime.session("s").append(said("one"))
        tag = (await client.ask("GET", HISTORY)).headers["etag"]
        for _ in range(3):
            assert (await client.ask("GET", HISTORY, If_None_Match=tag)).status == 304
        await runtime.session("s").append(said("two"))
        for _ in range(3):
            answer = await client.ask("GET", HISTORY, If_None_Match=tag)
            assert (answer.status, answer.json["message_count"]) == (200, 2)


async def test_how_much_is_on_disk_is_told_as_it_is_now() -> None:
    async with (
        open_runtime(MemoryStore(), IN_SNAPSHOT, now=Clock()) as runtime,
        open_server(create_app(runtime)) as server,
        await server.connect() as client,
    ):
        await runtime.session("s").append(said("one"))
        before = await client.ask("GET", HISTORY)
        await runtime.flush()
        after = await client.ask("GET", HISTORY)
    assert (before.headers["durable-seq"], after.headers["durable-seq"]) == ("0", "1")
    assert before.body == after.body


async def test_a_session_that_left_memory_meanwhile_says_the_same(patient_clock: MockClock) -> None:
    config = RuntimeConfig(idle_timeout=10)
    async with (
        open_runtime(MemoryStore(), config, now=Clock()) as runtime,
        open_answers(Api(runtime, rules=Guard())) as answer,
        in_memory(answer) as server,
        server.connect() as client,
    ):
        await runtime.session("s").append(said("one"), durable=True)
        first = await client.ask("GET", HISTORY)
        await trio.sleep(20)
        assert runtime.statistics().directory.active_sessions == 0
        assert told(await client.ask("GET", HISTORY)) == told(first)


def in_parts(text: str) -> Any:
    """A history shows it otherwise than it was sent."""
    return [{"type": "text", "text": text}]


@pytest.mark.parametrize("length", [0, 1_000, 4_000, 5_000, 6_000, 16_000, 17_000, 70_000])
@pytest.mark.parametrize("forms", [(), (str,) * 3, (in_parts,) * 3, (str, in_parts, str)])
async def test_a_history_of_any_length_says_what_was_said(
    forms: Sequence[Callable[[str], Any]], length: int
) -> None:
    async with (
        open_runtime(MemoryStore(), now=Clock()) as runtime,
        open_server(create_app(runtime)) as server,
    ):
        session = runtime.session("s")
        await session.create()
        for form in forms:
            await session.append({"role": "user", "content": form("x" * length)}, durable=True)
        answer = await server.ask("GET", HISTORY)
        expected = await session.history()
    assert answer.json["messages"] == expected.messages
    assert msgspec.json.encode(answer.json) == answer.body
    assert int(answer.headers["content-length"]) == len(answer.body)
