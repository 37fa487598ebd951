"""What the framework documents of histories, on the one that `AF_STORE` names.

`suite.py` runs this file.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from agent_framework import Content, Message

from tests.frameworks.agent_framework.stores import OURS, History, opened
from tests.frameworks.served import serving

STORE = os.environ.get("AF_STORE", OURS)


async def check_what_was_saved_comes_back_in_its_order(history: History, session: str) -> None:
    await history.save(session, Message("user", ["one"]), Message("assistant", ["two"]))
    await history.save(session, Message("user", ["three"]), Message("assistant", ["four"]))
    assert await history.said(session) == ["one", "two", "three", "four"]


async def check_a_session_that_nobody_knows_is_empty(history: History, session: str) -> None:
    assert list(await history.get(session)) == []


async def check_nothing_saved_is_nothing(history: History, session: str) -> None:
    await history.save(session)
    assert list(await history.get(session)) == []


async def check_sessions_are_kept_apart(history: History, session: str) -> None:
    await history.save(session, Message("user", ["mine"]))
    await history.save(f"{session}2", Message("user", ["yours"]))
    assert await history.said(session) == ["mine"]


async def check_a_session_may_have_any_name(history: History, session: str) -> None:
    names = [f"{session}{end}" for end in (":a", "/../b", "~", " ü?%", "x" * 600)]
    for name in names:
        await history.save(name, Message("user", [name]))
    for name in names:
        assert await history.said(name) == [name]


async def _whole(history: History, session: str, message: Message) -> None:
    await history.save(session, message)
    [found] = await history.get(session)
    assert found.to_dict() == message.to_dict()


async def check_a_text_comes_back_as_it_was(history: History, session: str) -> None:
    message = Message(
        "assistant",
        ["one ü", "two 😀"],
        author_name="seller",
        message_id="m1",
        additional_properties={"a": [1, None, 2**60]},
    )
    await _whole(history, session, message)


async def check_a_call_comes_back_as_it_was(history: History, session: str) -> None:
    call = Content.from_function_call("c1", "look", arguments={"at": None, "deep": [{"a": 1.5}]})
    await _whole(history, session, Message("assistant", ["one moment", call]))


async def check_results_come_back_as_they_were(history: History, session: str) -> None:
    results = [
        Content.from_function_result("c1", result={"price": 3}),
        Content.from_function_result("c2", result="none"),
    ]
    await _whole(history, session, Message("tool", results))


async def check_pictures_and_thoughts_come_back_as_they_were(
    history: History, session: str
) -> None:
    contents = [
        Content.from_data(bytes(range(256)), "image/png"),
        Content.from_text_reasoning(text="hm"),
        Content.from_uri("https://example.com/a.png", media_type="image/png"),
    ]
    await _whole(history, session, Message("assistant", contents))


async def check_a_role_of_ones_own_comes_back(history: History, session: str) -> None:
    await _whole(history, session, Message("narrator", ["once upon a time"]))


async def check_a_message_without_contents_comes_back(history: History, session: str) -> None:
    await _whole(history, session, Message("assistant", []))


async def check_a_message_that_is_saved_again_is_kept_once(history: History, session: str) -> None:
    first = Message("user", ["one"], message_id="m1")
    second = Message("assistant", ["two"], message_id="m2")
    await history.save(session, first, second)
    await history.save(session, first, second)
    assert await history.said(session) == ["one", "two"]


async def check_a_transcript_that_is_saved_whole_adds_what_is_new(
    history: History, session: str
) -> None:
    turns = [Message("user", [f"{number}"], message_id=f"m{number}") for number in range(6)]
    await history.save(session, *turns[:4])
    await history.save(session, *turns)
    assert await history.said(session) == ["0", "1", "2", "3", "4", "5"]


async def check_an_old_message_that_is_saved_again_is_kept_once(
    history: History, session: str
) -> None:
    turns = [Message("user", [f"{number}"], message_id=f"m{number}") for number in range(4)]
    await history.save(session, *turns)
    await history.save(session, turns[1])
    assert await history.said(session) == ["0", "1", "2", "3"]


async def check_a_turn_without_an_id_may_be_said_again(history: History, session: str) -> None:
    await history.save(session, Message("user", ["again"]))
    await history.save(session, Message("user", ["again"]))
    assert await history.said(session) == ["again", "again"]


CHECKS = [check for name, check in list(vars().items()) if name.startswith("check_")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | Path]:
    """Where the store is: all checks share it, each with sessions of its own."""
    folder = tmp_path_factory.mktemp("store")
    if STORE != OURS:
        yield folder
        return
    with serving(folder) as service:
        yield service.url


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_as_documented(check: Callable[[History, str], Awaitable[None]], place: str | Path) -> None:
    async def checked() -> None:
        async with opened(STORE, place) as history:
            await check(history, uuid4().hex)

    asyncio.run(checked())
