"""One conversation: begun with one framework, continued with another, shown, ended by hand."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph

from tests.browser.chromium import needs_chromium
from tests.browser.devtools import Browser, driven
from tests.frameworks.served import Served
from web.clients.langgraph import AgentRuntimeSaver
from web.clients.openai_agents import AgentRuntimeSession

SESSION = "parcel-7"
THREAD: Any = {"configurable": {"thread_id": SESSION}}

SAID = [
    ("user", "Where is parcel 7?"),
    ("assistant", ""),  # the call
    ("tool", ""),  # its result, which the SDK has in `output`
    ("assistant", "It is in Kiel."),
    ("user", "And when is it here?"),
    ("assistant", "On Tuesday."),
    ("user", "Thank you."),
    ("assistant", "With pleasure."),
]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    folder = tmp_path / "browser"
    folder.mkdir()
    with driven(folder) as browser:
        yield browser


@function_tool
def find_parcel(number: int) -> str:
    """Where a parcel is."""
    return f"Parcel {number} is in Kiel."


def begun(url: str) -> None:
    """A turn of the OpenAI Agents SDK, with a call of a tool."""
    call = function_call("find_parcel", {"number": 7}, call_id="call-1")
    model = ScriptedModel([[call], [assistant_message(SAID[3][1])]])
    agent = Agent(name="Clerk", model=model, tools=[find_parcel])
    session = AgentRuntimeSession(SESSION, url=url)
    offline = RunConfig(tracing_disabled=True)
    asyncio.run(Runner.run(agent, SAID[0][1], session=session, run_config=offline))


def continued(url: str) -> list[Any]:
    """A turn of LangGraph; returns what its model was told."""
    told: list[Any] = []
    model = GenericFakeChatModel(messages=iter([AIMessage(SAID[5][1])]))

    def answer(state: MessagesState) -> dict[str, Any]:
        told.extend(state["messages"])
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    with AgentRuntimeSaver(url) as saver:
        before = saver.messages_of_others(THREAD)
        asked: Any = {"messages": [*before, HumanMessage(SAID[4][1])]}
        graph.compile(checkpointer=saver).invoke(asked, THREAD)
    return told


def finished(url: str) -> None:
    """Two messages over plain REST."""
    messages = [{"role": role, "content": text} for role, text in SAID[6:]]
    path = f"{url}/api/v1/sessions/{SESSION}/messages"
    httpx.post(path, json={"messages": messages}).raise_for_status()


def get(url: str, path: str) -> Any:
    answer = httpx.get(f"{url}/api/v1/sessions/{SESSION}/{path}")
    answer.raise_for_status()
    return answer.json()


def test_a_conversation_goes_through_both_frameworks_and_rest(service: Served) -> None:
    begun(service.url)
    service.restart()
    told = continued(service.url)
    service.restart()
    finished(service.url)

    assert [message.content for message in told] == [text for _, text in SAID[:5]]
    history = get(service.url, "history")["messages"]
    assert [(one["role"], one["content"]) for one in history] == SAID
    context = get(service.url, "context")
    assert context["interrupted"] == []
    assert len(context["messages"]) == len(SAID)


def test_each_goes_on_from_what_the_others_said(service: Served) -> None:
    begun(service.url)
    continued(service.url)
    finished(service.url)

    items: list[Any] = asyncio.run(AgentRuntimeSession(SESSION, url=service.url).get_items())
    assert items[1]["type"] == "function_call"
    assert items[2]["output"] == "Parcel 7 is in Kiel."
    assert items[4:] == [{"role": role, "content": text} for role, text in SAID[4:]]
    with AgentRuntimeSaver(service.url) as saver:
        others = saver.messages_of_others(THREAD)
    assert [(one.type, one.content) for one in others] == [
        ("human", "Thank you."),
        ("ai", "With pleasure."),
    ]


def test_one_rewind_takes_all_of_them_back(service: Served) -> None:
    begun(service.url)
    version = get(service.url, "resume")["session"]["version"]
    continued(service.url)
    finished(service.url)
    path = f"{service.url}/api/v1/sessions/{SESSION}/rewind"
    httpx.post(path, json={"to": version}).raise_for_status()

    items = asyncio.run(AgentRuntimeSession(SESSION, url=service.url).get_items())
    assert len(items) == 4
    with AgentRuntimeSaver(service.url) as saver:
        assert saver.get_tuple(THREAD) is None
    assert [message.content for message in continued(service.url)] == [text for _, text in SAID[:5]]


@needs_chromium
def test_the_page_shows_all_of_it_while_it_is_said(service: Served, browser: Browser) -> None:
    begun(service.url)
    tab = browser.tab()
    tab.go(f"{service.url}/#/{SESSION}")
    tab.sees("It is in Kiel.", "#rows")
    tab.sees("find_parcel", "#rows")
    continued(service.url)
    tab.sees("On Tuesday.", "#rows")
    finished(service.url)
    tab.sees("With pleasure.", "#rows")
    shown = tab.run("[...document.querySelectorAll('#rows .prose')].map((one) => one.innerText)")
    assert shown == [text for _, text in SAID if text]
    assert tab.complaints == []
    tab.call("Page.close")
