"""A LangGraph agent that asks before it acts, and can be stopped anywhere.

Each step is done by a program of its own, as it were: all it knows is the thread's name. With
`pip install 'agent-runtime[langgraph]'` and a service (`agent-runtime serve`):

    python examples/langgraph_thread.py
"""

from typing import Any
from uuid import uuid4

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from web.clients import AgentRuntimeClient
from web.clients.langgraph import AgentRuntimeSaver

CALL: Any = {"name": "delete_file", "args": {"path": "old.txt"}, "id": "call-1"}


def agent(saver: AgentRuntimeSaver, *answers: AIMessage) -> CompiledStateGraph:
    """A model, a tool, and a person who is asked before the tool is used."""
    model = GenericFakeChatModel(messages=iter(answers))

    def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    def act(state: MessagesState) -> dict[str, Any]:
        [call] = state["messages"][-1].tool_calls
        allowed = interrupt(f"May I {call['name']} {call['args']['path']}?")
        result = "deleted" if allowed else "the user said no"
        return {"messages": [ToolMessage(result, tool_call_id=call["id"])]}

    def has_call(state: MessagesState) -> str:
        return "act" if state["messages"][-1].tool_calls else END

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("act", act)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", has_call, ["act", END])
    graph.add_edge("act", "think")
    return graph.compile(checkpointer=saver)


def main() -> None:
    name = f"langgraph-{uuid4()}"
    thread: Any = {"configurable": {"thread_id": name}}
    # The address is in AGENT_RUNTIME_URL, or http://127.0.0.1:8001.
    with AgentRuntimeSaver() as saver:
        asked = agent(saver, AIMessage("I tidy up.", tool_calls=[CALL])).invoke(
            {"messages": [("user", "Tidy up, please.")]}, thread
        )
        print("asked:", asked["__interrupt__"][0].value)
    with AgentRuntimeSaver() as saver:
        done = agent(saver, AIMessage("Done.")).invoke(Command(resume=True), thread)
        print("answered:", done["messages"][-1].content)
    with AgentRuntimeClient() as client:
        for entry in client.iter_log(name, kinds=["message"]):
            print(f"{entry['body']['role']}: {entry['body']['content']}")


if __name__ == "__main__":
    main()
