"""Large bodies: counted before anything is made of them, and nothing is done with them in the loop.

What is not counted first is recognized by a broken item behind the limit: whoever decodes the items
finds that one, and not that there are too many.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio
from attrs import define
from quart import Response

from persistence import MemoryStore
from runtime import MAX_ENTRIES, KiB, open_runtime
from runtime.session.asked import items
from runtime.session.kinds import message, record
from runtime.session.kinds.message import MessageKind
from runtime.session.kinds.record import RecordKind
from tests.web.conftest import Api
from tests.web.test_bad_input import refused
from web.api.messages import MAX_MESSAGES
from web.call.bodies import Bodies
from web.call.body import HUGE, HUGE_AT_ONCE, taken
from web.call.parts import LARGE
from web.call.resources import Resources
from web.call.stream import Streams
from web.http.message import Headers, Request
from web.metrics import Metrics

BROKEN = b"1e999"
"""It is a number of JSON, and none that can be kept."""

MESSAGE = b'{"role":"user","content":"' + b"x" * 60 + b'"}'
ENTRY = b'{"kind":"message","body":' + MESSAGE + b"}"
PUT = b'{"key":"k","value":"' + b"x" * 60 + b'"}'


async def send(api: Api, path: str, body: bytes, method: str = "POST") -> Response:
    assert len(body) > LARGE
    headers = {"Content-Type": "application/json"}
    return await api.call(method, f"/api/v1{path}", data=body, headers=headers)


def list_of(name: str, item: bytes, number: int, last: bytes) -> bytes:
    return b'{"%s":[%s]}' % (name.encode(), b",".join([*[item] * (number - 1), last]))


@pytest.mark.parametrize(
    ("path", "name", "item", "limit"),
    [
        ("messages", "messages", MESSAGE, MAX_MESSAGES),
        ("log", "entries", ENTRY, MAX_ENTRIES),
        ("records", "put", PUT, MAX_ENTRIES),
        ("records", "remove", b'"12345678"', MAX_ENTRIES),
        ("records", "remove_prefix", b'"12345678"', MAX_ENTRIES),
    ],
    ids=["messages", "log", "put", "remove", "remove_prefix"],
)
async def test_the_items_of_a_call_are_counted_before_they_are_decoded(
    api: Api, path: str, name: str, item: bytes, limit: int
) -> None:
    body = list_of(name, item, limit + 1, last=BROKEN)
    await refused(
        await send(api, f"/sessions/s/{path}", body), 400, name, str(limit + 1), str(limit)
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/sessions/s"), ("POST", "/sessions"), ("POST", "/sessions/s/fork")],
)
async def test_metadata_beyond_the_limit_are_refused_before_they_are_decoded(
    api: Api, method: str, path: str
) -> None:
    await api.say("s", "hello")
    body = b'{"metadata":{"a":[' + b"0," * 200_000 + BROKEN + b"]}}"
    await refused(await send(api, path, body, method), 400, "metadata", "limit", str(256 * KiB))


async def test_a_patch_in_a_log_has_the_same_limit(api: Api) -> None:
    settings = b'{"kind":"settings","body":{"metadata":{"a":[' + b"0," * 200_000 + b"0]}}}"
    body = b'{"entries":[' + settings + b"]}"
    await refused(await send(api, "/sessions/s/log", body), 400, "entry 1", str(256 * KiB))


def many(make: Callable[[int], Any]) -> list[Any]:
    return [make(number) for number in range(900)]


TEXT = "x" * 100
NEW = json.dumps({"session_id": "s", "system_prompt": "p" * 100_000}).encode()
CALLS: dict[str, Any] = {
    "messages": {"messages": many(lambda n: {"role": "user", "content": [TEXT, n]})},
    "log": {
        "entries": many(
            lambda n: {"kind": "message", "body": {"role": "user", "content": [TEXT, n]}}
        )
        + many(lambda n: {"kind": "record", "key": f"k{n}", "body": {"value": [TEXT, n]}}),
        "id": "call",
    },
    "records": {"put": many(lambda n: {"key": f"k{n}", "value": [TEXT, n]}), "id": "call"},
}


@pytest.mark.parametrize("path", CALLS)
async def test_a_large_body_is_encoded_in_a_thread_and_not_walked_through_again(
    api: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_loop: list[str] = []

    def watch(owner: Any, name: str) -> None:
        usual = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                in_loop.append(name)
            return usual(*arguments, **options)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in [
        (MessageKind, "make"),
        (RecordKind, "make"),
        (message, "encode"),
        (record, "encode"),
        (items, "check_tree"),
        (message, "check_tree"),
    ]:
        watch(owner, name)
    body = json.dumps(CALLS[path]).encode()
    assert (await send(api, "/sessions", NEW)).status_code == 201
    for status in (201, 200 if path != "messages" else 201):  # a repeat is told in the actor
        assert (await send(api, f"/sessions/s/{path}", body)).status_code == status
    assert in_loop == []


async def test_what_a_large_call_says_is_what_a_small_one_does(api: Api) -> None:
    large = {"role": "user", "content": "a", "metadata": {"filling": "x" * LARGE}, "id": 7}
    small = {"role": "user", "content": "\\u00e9", "id": "m"}
    for body in ({"messages": [large, small]}, large, small):
        answer = await api.post("/sessions/s/messages", body)
        assert answer.status_code == (201 if "messages" in body else 200)
    page = await (await api.get("/sessions/s/messages")).get_json(force=True)
    assert [found["message"] for found in page["messages"]] == [large, small]


@define
class Sent:
    """A body that has come as a whole."""

    whole: bytes
    announced: int | None = None

    async def receive(self) -> bytes:
        piece, self.whole = self.whole, b""
        return piece


async def test_few_huge_bodies_are_decoded_at_once_and_no_other_waits_for_them() -> None:
    at_work = 0
    most = 0
    may_end = threading.Event()

    def work(body: bytes) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        may_end.wait()
        at_work -= 1
        return len(body)

    async with open_runtime(MemoryStore()) as runtime:
        resources = Resources(
            runtime=runtime,
            metrics=Metrics(runtime),
            body_limit=HUGE,
            bodies=Bodies(6 * HUGE),
            streams=Streams(None),
        )

        async def take(size: int, work: Callable[[bytes], int]) -> None:
            request = Request(method="POST", path="/", headers=Headers(), body=Sent(b" " * size))
            assert await taken(resources, request, work) == size

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(take, HUGE, work)
            while HUGE_AT_ONCE.statistics().tasks_waiting < 3 or at_work < 2:
                await trio.lowlevel.checkpoint()
            await take(LARGE, len)
            may_end.set()
    assert most == 2
