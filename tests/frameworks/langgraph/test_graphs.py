"""Graphs on the saver: turns, questions to a person, time travel, subgraphs, asyncio, a portal."""

import asyncio
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from tests.frameworks.langgraph.graphs import THREAD, asking, chat, fixed, history, texts
from tests.frameworks.served import Served
from web.clients.embedded import open_portal
from web.clients.langgraph import AgentRuntimeSaver


def test_a_new_process_goes_on_where_the_last_one_was(service: Served) -> None:
    with AgentRuntimeSaver(service.url) as first:
        chat(first, "Hello.").invoke({"messages": [("user", "Hi")]}, THREAD)
    with AgentRuntimeSaver(service.url) as second:
        done = chat(second, "Bye.").invoke({"messages": [("user", "Bye")]}, THREAD)
    assert texts(done["messages"]) == ["Hi", "Hello.", "Bye", "Bye."]


def test_a_question_to_a_person_is_answered_by_another_process(service: Served) -> None:
    ran: list[str] = []
    with AgentRuntimeSaver(service.url) as first:
        stopped = asking(first, ran).invoke({"done": []}, THREAD)
    assert [one.value for one in stopped["__interrupt__"]] == ["May I?"]
    with AgentRuntimeSaver(service.url) as second:
        done = asking(second, ran).invoke(Command(resume="yes"), THREAD)
    assert done["done"] == ["first", "answered yes", "third"]
    assert ran == ["first", "third"], "a step ran twice"


def test_a_graph_goes_back_in_time_and_takes_another_way(saver: AgentRuntimeSaver) -> None:
    graph = chat(saver, "One.", "Two.", "Another.")
    graph.invoke({"messages": [("user", "1")]}, THREAD)
    then = graph.get_state(THREAD).config
    graph.invoke({"messages": [("user", "2")]}, THREAD)
    graph.invoke({"messages": [("user", "not 2")]}, then)
    assert texts(graph.get_state(THREAD).values["messages"]) == ["1", "One.", "not 2", "Another."]


def test_the_history_of_a_thread_is_all_of_its_states_the_newest_first(
    saver: AgentRuntimeSaver,
) -> None:
    graph = chat(saver, "One.", "Two.")
    for said in ("1", "2"):
        graph.invoke({"messages": [("user", said)]}, THREAD)
    states = [texts(state.values.get("messages", [])) for state in graph.get_state_history(THREAD)]
    assert states[0] == ["1", "One.", "2", "Two."]
    assert sorted(map(len, states), reverse=True) == list(map(len, states))
    assert len(list(graph.get_state_history(THREAD, limit=2))) == 2


def test_a_subgraph_has_checkpoints_of_its_own_in_the_same_session(
    saver: AgentRuntimeSaver, service: Served
) -> None:
    inner = StateGraph(MessagesState)
    inner.add_node("think", lambda _: {"messages": [AIMessage("Hm.", id="thought")]})
    inner.add_node("say", lambda _: {"messages": [AIMessage("Well.", id="said")]})
    inner.add_edge(START, "think")
    inner.add_edge("think", "say")
    outer = StateGraph(MessagesState)
    outer.add_node("inner", inner.compile(checkpointer=True))
    outer.add_edge(START, "inner")
    outer.compile(checkpointer=saver).invoke({"messages": [("user", "Hi")]}, THREAD)
    spaces = {one.config["configurable"]["checkpoint_ns"] for one in saver.list(THREAD)}
    assert spaces == {"", "inner"}
    assert [text for _, text in history(service.url)] == ["Hi", "Hm.", "Well."]


def test_a_graph_runs_under_asyncio(saver: AgentRuntimeSaver) -> None:
    async def run() -> tuple[Any, int]:
        graph = chat(saver, "Hello.")
        done = await graph.ainvoke({"messages": [("user", "Hi")]}, THREAD)
        return done, len([state async for state in graph.aget_state_history(THREAD)])

    done, states = asyncio.run(run())
    assert texts(done["messages"]) == ["Hi", "Hello."]
    assert states == 3


def test_a_graph_runs_on_a_runtime_in_its_own_process(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/embedded.db"
    with open_portal(database) as runtime:
        chat(AgentRuntimeSaver(runtime=runtime), "Hello.").invoke(
            {"messages": [("user", "Hi")]}, THREAD
        )
    with open_portal(database) as runtime:
        state = chat(AgentRuntimeSaver(runtime=runtime)).get_state(THREAD)
    assert texts(state.values["messages"]) == ["Hi", "Hello."]


def test_many_threads_run_at_one_time_on_one_saver(saver: AgentRuntimeSaver) -> None:
    async def run() -> list[Any]:
        graph = fixed(saver, AIMessage("Hello."))
        calls = [
            graph.ainvoke({"messages": [("user", str(n))]}, {"configurable": {"thread_id": str(n)}})
            for n in range(8)
        ]
        return await asyncio.gather(*calls)

    assert [texts(done["messages"]) for done in asyncio.run(run())] == [
        [str(n), "Hello."] for n in range(8)
    ]


def test_two_programs_write_to_one_thread_and_neither_loses_a_checkpoint(service: Served) -> None:
    with AgentRuntimeSaver(service.url) as one, AgentRuntimeSaver(service.url) as other:
        fixed(one, AIMessage("Hello.")).invoke({"messages": [("user", "Hi")]}, THREAD)
        begun = fixed(one).get_state(THREAD).config

        async def run() -> None:
            await asyncio.gather(
                fixed(one, AIMessage("A")).ainvoke({"messages": [HumanMessage("a")]}, begun),
                fixed(other, AIMessage("B")).ainvoke({"messages": [HumanMessage("b")]}, begun),
            )

        asyncio.run(run())
        ends = [
            texts(found.checkpoint["channel_values"].get("messages", []))
            for found in one.list(THREAD)
        ]
    assert ["Hi", "Hello.", "a", "A"] in ends
    assert ["Hi", "Hello.", "b", "B"] in ends
    said = [text for _, text in history(service.url)]
    assert sorted(said) == ["A", "B", "Hello.", "Hi", "a", "b"], "one was added twice, or not"
