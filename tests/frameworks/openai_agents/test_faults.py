"""The service dies, refuses, or is not there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from agents import AgentsException, UserError

from tests.frameworks.openai_agents.items import USUAL
from tests.frameworks.openai_agents.test_items import add, read
from tests.frameworks.served import Served, serving
from web.clients.core.call import Answer, Call, Reply
from web.clients.core.place import Place
from web.clients.core.wire import Wire
from web.clients.embedded import open_portal
from web.clients.errors import ServiceUnreachable
from web.clients.openai_agents import AgentRuntimeSession


def test_what_was_added_is_there_after_a_kill(service: Served) -> None:
    session = AgentRuntimeSession("killed", url=service.url)
    added = []
    for name, item in USUAL.items():
        add(session, item, {"role": "user", "content": name})
        added += [item, {"role": "user", "content": name}]
        if name in ("a text", "a call", "a reference"):
            service.restart()
            assert read(session) == added
    assert asyncio.run(session.pop_item()) == added.pop()
    service.restart()
    assert read(session) == added
    asyncio.run(session.clear_session())
    service.restart()
    assert read(session) == []


def test_items_that_are_added_while_the_service_dies_are_there_once(service: Served) -> None:
    session = AgentRuntimeSession("dying", url=service.url)
    added, unknown = [], []
    is_begun, is_back = Event(), Event()

    def add_all() -> None:
        for number in range(80):
            try:
                add(session, {"role": "user", "content": str(number)})
                added.append(number)
            except AgentsException:
                unknown.append(number)
                is_back.wait()
            if number == 20:
                is_begun.set()

    adding = Thread(target=add_all)
    adding.start()
    is_begun.wait()
    service.restart()
    is_back.set()
    adding.join()
    found = [int(item["content"]) for item in read(session)]
    assert found == sorted(set(found))
    assert set(added) <= set(found) <= {*added, *unknown}


class CutOff:
    """A connection that loses an answer, once, after the service has done as it was asked."""

    def __init__(self, url: str, lost: int) -> None:
        self._wire = Wire(Place.of(url))
        self._left = lost

    def exchange(self, call: Call) -> Reply:
        reply = self._wire.exchange(call)
        self._left -= call.method == "POST"
        if call.method == "POST" and self._left == 0:
            raise ServiceUnreachable("The answer got lost", was_sent=True)
        return reply

    def open(self, call: Call) -> Answer:
        return self._wire.open(call)

    def close(self) -> None:
        self._wire.close()


def test_an_answer_that_gets_lost_adds_nothing_twice_and_pops_nothing_twice(
    service: Served,
) -> None:
    session = AgentRuntimeSession("lost", runtime=CutOff(service.url, 1))
    add(session, USUAL["a text"], USUAL["an answer"])
    assert read(session) == [USUAL["a text"], USUAL["an answer"]]
    popping = AgentRuntimeSession("lost", runtime=CutOff(service.url, 1))
    assert asyncio.run(popping.pop_item()) == USUAL["an answer"]
    assert read(session) == [USUAL["a text"]]


def test_a_service_that_is_away_is_the_sdks_error_and_says_what_to_do(service: Served) -> None:
    session = AgentRuntimeSession("away", url=service.url)
    service.kill()
    for work in (session.get_items, session.pop_item, session.clear_session):
        with pytest.raises(AgentsException, match=r"No service answers at .*is it running there"):
            asyncio.run(work())
    with pytest.raises(AgentsException, match="No service answers"):
        add(session, USUAL["a text"])
    service.restart()
    assert read(session) == []


def test_a_wrong_token_is_the_callers_error(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("right-token-right-token-right-token")
    token_file.chmod(0o600)
    with serving(tmp_path, "--token-file", str(token_file)) as service:
        wrong = AgentRuntimeSession("token", url=service.url, token="wrong")
        with pytest.raises(UserError, match="token"):
            add(wrong, USUAL["a text"])
        right = AgentRuntimeSession("token", url=service.url, token=token_file.read_text())
        assert read(right) == []


def test_what_is_no_address_is_the_callers_error() -> None:
    with pytest.raises(UserError, match="is no address of a service"):
        AgentRuntimeSession("nowhere", url="localhost:8001")


LARGE = {
    "role": "user",
    "content": [
        {"type": "input_text", "text": "See:"},
        {"type": "input_image", "image_url": 'x"' * (4 << 20)},
    ],
}


def test_items_beyond_the_limit_of_a_call_go_ahead_of_it(service: Served) -> None:
    session = AgentRuntimeSession("large", url=service.url)
    result = {"type": "function_call_output", "call_id": "call_1", "output": "y" * (1 << 20)}
    items = [USUAL["a call"], result, LARGE, {"role": "user", "content": "z" * (1 << 20)}]
    add(session, *items)
    service.restart()
    assert read(session) == items
    assert asyncio.run(session.pop_item()) == items[-1]
    assert read(session, 1) == [LARGE]
    context = httpx.get(f"{service.url}/api/v1/sessions/large/context").json()
    assert context["interrupted"] == []
    assert context["messages"][-1]["content"][0] == {"type": "input_text", "text": "See:"}


class DiesBefore:
    """A connection that is gone for good when the items are to be appended."""

    def __init__(self, url: str) -> None:
        self._wire = Wire(Place.of(url))

    def exchange(self, call: Call) -> Reply:
        if call.method == "POST" and call.path.endswith("/log"):
            raise ServiceUnreachable("It is gone", was_sent=False)
        return self._wire.exchange(call)

    def open(self, call: Call) -> Answer:
        return self._wire.open(call)

    def close(self) -> None:
        self._wire.close()


def test_what_went_ahead_of_a_call_that_failed_is_no_item(service: Served) -> None:
    session = AgentRuntimeSession("half", runtime=DiesBefore(service.url))
    with pytest.raises(AgentsException, match="It is gone"):
        add(session, USUAL["a text"], LARGE)
    assert read(session) == []


def test_more_items_than_a_call_may_have_are_refused_whole(service: Served) -> None:
    session = AgentRuntimeSession("many", url=service.url)
    with pytest.raises(UserError, match=r"10,?000"):
        add(session, *[USUAL["a text"]] * 10_001)
    assert read(session) == []


def test_who_is_cancelled_while_adding_finds_the_items_added(service: Served) -> None:
    session = AgentRuntimeSession("cancelled", url=service.url)

    async def cancel() -> None:
        adding = asyncio.ensure_future(session.add_items([USUAL["a text"]]))
        await asyncio.sleep(0)
        adding.cancel()
        await asyncio.wait({adding})
        assert adding.cancelled()

    asyncio.run(cancel())
    assert read(session) == [USUAL["a text"]]


@contextmanager
def embedded(folder: Path) -> Iterator[Any]:
    with open_portal(f"sqlite:///{folder}/embedded.db") as portal:
        yield portal


def test_a_runtime_in_the_same_process_is_as_good(tmp_path: Path) -> None:
    with embedded(tmp_path) as portal:
        session = AgentRuntimeSession("here", runtime=portal)
        add(session, *USUAL.values())
        assert asyncio.run(session.pop_item()) == list(USUAL.values())[-1]
    with embedded(tmp_path) as portal:
        session = AgentRuntimeSession("here", runtime=portal)
        assert read(session) == list(USUAL.values())[:-1]
