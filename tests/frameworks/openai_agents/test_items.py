"""What is added is what is read back, in the letter."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from agents import Session, SessionSettings

from tests.frameworks.openai_agents.items import ODD, USUAL
from tests.frameworks.served import Served
from web.clients.openai_agents import AgentRuntimeSession

ALL = USUAL | ODD


def add(session: AgentRuntimeSession, *items: Any) -> None:
    asyncio.run(session.add_items(list(items)))


def read(session: AgentRuntimeSession, limit: int | None = None) -> list[Any]:
    return asyncio.run(session.get_items(limit))


def in_the_letter(items: object) -> str:
    """As text: there the order of members shows, and -0.0, and 1.0 beside 1."""
    return json.dumps(items)


def test_items_of_every_kind_come_back_with_their_members_in_order(service: Served) -> None:
    session = AgentRuntimeSession("kinds", url=service.url)
    add(session, *ALL.values())
    for name, before, after in zip(ALL, ALL.values(), read(session), strict=True):
        assert in_the_letter(after) == in_the_letter(before), name


def test_not_a_number_comes_back_as_one(service: Served) -> None:
    session = AgentRuntimeSession("nan", url=service.url)
    add(session, {"role": "user", "content": "x", "f": float("nan")})
    assert in_the_letter(read(session)) == '[{"role": "user", "content": "x", "f": NaN}]'


def test_what_the_service_cannot_keep_as_it_is_is_still_shown_to_others(service: Served) -> None:
    add(AgentRuntimeSession("odd", url=service.url), ODD["a lone surrogate"])
    history = httpx.get(f"{service.url}/api/v1/sessions/odd/history").json()
    assert history["messages"][0]["content"] == "a\ufffdb"


def test_what_json_cannot_say_is_refused_before_anything_is_added(service: Served) -> None:
    session = AgentRuntimeSession("refused", url=service.url)
    with pytest.raises(TypeError):
        add(session, USUAL["a text"], {"role": "user", "content": object()})
    assert read(session) == []


def test_items_are_kept_as_they_were_when_they_were_given(service: Served) -> None:
    session = AgentRuntimeSession("given", url=service.url)
    item = {"role": "user", "content": ["x"]}

    async def change_meanwhile() -> None:
        adding = asyncio.ensure_future(session.add_items([item]))
        await asyncio.sleep(0)
        item["content"] = ["y"]
        await adding

    asyncio.run(change_meanwhile())
    assert read(session) == [{"role": "user", "content": ["x"]}]


def test_a_limit_gives_the_newest_oldest_first(service: Served) -> None:
    session = AgentRuntimeSession("limit", url=service.url)
    items = [{"role": "user", "content": str(number)} for number in range(2500)]
    add(session, *items)
    assert read(session, 2) == items[-2:]
    assert read(session, 1500) == items[-1500:]
    assert read(session, 0) == []
    assert read(session, 9000) == items
    assert read(session, -1) == read(session) == items


def test_a_limit_can_be_the_sessions_own(service: Served) -> None:
    settings = SessionSettings(limit=1)
    first = AgentRuntimeSession("own", url=service.url, session_settings=settings)
    second = AgentRuntimeSession("own", url=service.url, session_settings={"limit": 1})
    add(first, USUAL["a text"], USUAL["an answer"])
    assert read(first) == read(second) == [USUAL["an answer"]]
    assert len(read(first, 5)) == 2


def test_it_is_a_session_for_the_sdk(service: Served) -> None:
    assert isinstance(AgentRuntimeSession("is", url=service.url), Session)


def test_nothing_added_makes_no_session(service: Served) -> None:
    session = AgentRuntimeSession("nothing", url=service.url)
    add(session)
    assert read(session) == []
    assert httpx.get(f"{service.url}/api/v1/sessions/nothing").status_code == 404
