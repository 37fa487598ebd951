"""The AI SDK's own chat and transport, in Node, at a real service: a page with `useChat`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.frameworks.node import Program, program
from tests.frameworks.served import Served

CHAT = Path(__file__).with_name("chat.mjs")
ID = "chat/1 ü"
"""Not what a path has as it is."""


class Agent:
    """What answers: another program, which writes drafts and messages."""

    def __init__(self, service: Served) -> None:
        self.service = service

    def ask(self, method: str, path: str, **said: Any) -> httpx.Response:
        session = httpx.URL(f"{self.service.url}/").copy_with(
            raw_path=f"/api/v1/sessions/chat%2F1%20%C3%BC{path}".encode()
        )
        answer = httpx.request(method, session, timeout=60, trust_env=False, **said)
        assert answer.is_success, answer.text
        return answer

    def say(self, *messages: dict[str, Any]) -> None:
        self.ask("POST", "/messages", json={"messages": messages})

    def draft(self, message_id: str, text: str, part: str = "content") -> None:
        self.ask("POST", f"/drafts/{message_id}", json={"append": text, "part": part})

    def begin(self) -> str:
        turn = self.ask("POST", "/turn", json={"holder": "agent", "ttl": 60}).json()["turn"]
        return str(turn)

    def end(self, turn: str) -> None:
        self.ask("DELETE", "/turn", json={}, headers={"Turn": turn})


@pytest.fixture
def agent(service: Served) -> Agent:
    return Agent(service)


@contextmanager
def chat(service: Served) -> Iterator[Program]:
    with program(CHAT, service.url, ID) as page:
        yield page


def is_done(what: str) -> Any:
    return lambda told: told.get("done") == what


def has(*texts: str, status: str | None = None) -> Any:
    """Whether the chat's messages say just this, each its texts joined."""

    def is_so(told: dict[str, Any]) -> bool:
        if "messages" not in told or (status is not None and told["status"] != status):
            return False
        return tuple(map(said, told["messages"])) == texts

    return is_so


def parts_of_last(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the last message, if there is one."""
    parts: list[dict[str, Any]] = (told.get("messages") or [{"parts": []}])[-1]["parts"]
    return parts


def said(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


HELLO = {"role": "user", "content": "Hello", "id": "u1"}


def test_a_page_begins_with_what_a_session_has(service: Served, agent: Agent) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    agent.say(
        HELLO,
        {"role": "assistant", "content": "I add", "tool_calls": [call], "id": "a1"},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        {"role": "assistant", "content": "Two", "id": "a2"},
    )
    with chat(service) as page:
        page.do(what="load")
        loaded = page.until(has("Hello", "I addTwo"))
        page.until(is_done("load"))
        page.do(what="model")
        told = page.until(lambda told: "model" in told)["model"]
    assert [message["id"] for message in loaded["messages"]] == ["u1", "a1"]
    tool = loaded["messages"][1]["parts"][2]
    assert (tool["state"], tool["input"], tool["output"]) == ("output-available", {"a": 1}, "2")
    assert [message["role"] for message in told] == ["user", "assistant", "tool", "assistant"]


def test_without_an_answer_under_way_nothing_is_resumed(service: Served, agent: Agent) -> None:
    with chat(service) as page:
        page.do(what="resume")  # of a session that is not there
        page.until(is_done("resume"))
        agent.say(HELLO)
        page.do(what="resume")
        page.until(is_done("resume"))


def test_a_draft_is_shown_from_its_beginning_and_then_as_it_grows(
    service: Served, agent: Agent
) -> None:
    agent.say(HELLO)
    agent.draft("a1", "hm", "reasoning")
    agent.draft("a1", "I am ")
    with chat(service) as page:
        page.do(what="load")
        page.until(is_done("load"))
        page.do(what="resume")
        page.until(has("Hello", "I am ", status="streaming"))
        agent.draft("a1", "fine")
        page.until(has("Hello", "I am fine"))
        parts = [{"type": "thinking", "thinking": "hm!"}, {"type": "text", "text": "I am fine."}]
        agent.say({"role": "assistant", "content": parts, "id": "a1"})
        shown = page.until(has("Hello", "I am fine.", status="ready"))
        page.until(is_done("resume"))
        page.do(what="load")
        page.until(is_done("load"))
        page.do(what="load")
        loaded = page.until(has("Hello", "I am fine."))
    kinds = [(part["type"], part.get("text")) for part in shown["messages"][1]["parts"]]
    assert kinds == [("step-start", None), ("reasoning", "hm!"), ("text", "I am fine.")]
    assert [part["type"] for part in loaded["messages"][1]["parts"]] == [kind for kind, _ in kinds]
    assert shown["messages"][1]["id"] == loaded["messages"][1]["id"] == "a1"


def test_after_a_kill_in_the_middle_nothing_is_lost_and_nothing_is_there_twice(
    service: Served, agent: Agent
) -> None:
    agent.say(HELLO)
    agent.draft("a1", "one ")
    with chat(service) as page:
        page.do(what="load")
        page.until(is_done("load"))
        page.do(what="resume")
        page.until(has("Hello", "one "))
        agent.draft("a1", "two ")
        page.until(has("Hello", "one two "))
        # What is on disk of a draft is what came an interval before; an entry makes it all so.
        agent.say({"role": "system", "content": "noted"})
        service.kill()
        page.until(lambda told: told.get("status") == "error")
        service.restart()
        page.do(what="resume")
        page.until(has("Hello", "one two ", status="streaming"))
        agent.draft("a1", "three")
        page.until(has("Hello", "one two three"))
        agent.say({"role": "assistant", "content": "one two three", "id": "a1"})
        page.until(has("Hello", "one two three", status="ready"))


def test_an_answer_of_many_steps_is_one_message_until_the_turn_ends(
    service: Served, agent: Agent
) -> None:
    agent.say(HELLO)
    turn = agent.begin()
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    with chat(service) as page:
        page.do(what="load")
        page.until(is_done("load"))
        page.do(what="resume")
        agent.draft("a1", '{"a"', "tool:add:c1")
        streaming = page.until(
            lambda told: any(part.get("rawInput") for part in parts_of_last(told))
        )
        agent.say({"role": "assistant", "tool_calls": [call], "content": None, "id": "a1"})
        agent.say({"role": "tool", "tool_call_id": "c1", "content": "2"})
        agent.draft("a2", "Two")
        page.until(has("Hello", "Two", status="streaming"))
        agent.say({"role": "assistant", "content": "Two.", "id": "a2"})
        page.until(has("Hello", "Two.", status="streaming"))
        agent.end(turn)
        shown = page.until(has("Hello", "Two.", status="ready"))
    assert streaming["messages"][1]["parts"][-1]["rawInput"] == '{"a"'
    answer = shown["messages"][1]
    assert answer["id"] == "a1"
    kinds = [part["type"] for part in answer["parts"]]
    assert kinds == ["step-start", "dynamic-tool", "step-start", "text"]
    assert answer["parts"][1]["output"] == "2"


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "chat": [
        {
            "role": "assistant",
            "reasoning_content": "hm",
            "content": "I add",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "b", "arguments": "[1"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "one"}]},
        {"role": "assistant", "content": "Done"},
    ],
    "anthropic": [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "c1", "name": "a", "input": {"x": [1]}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "no", "is_error": True}
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "It failed"}]},
    ],
    "gemini": [
        {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "See"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "a", "args": {"x": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "a", "response": {"y": 2}}}]},
        {"role": "model", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
    ],
    "responses": [
        {"role": "assistant", "type": "reasoning", "summary": [{"text": "hm"}]},
        {"role": "assistant", "type": "function_call", "call_id": "c1", "name": "a"},
        {"role": "tool", "type": "function_call_output", "call_id": "c1", "output": "x"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Done"}]},
    ],
    "ui": [
        {
            "role": "assistant",
            "metadata": {"vercel_ai": {"metadata": {"mine": 1}}},
            "parts": [
                {"type": "step-start"},
                {"type": "reasoning", "text": "hm", "state": "done"},
                {"type": "text", "text": "See", "state": "done"},
                {"type": "source-url", "sourceId": "s", "url": "https://example.org", "title": "t"},
                {
                    "type": "source-document",
                    "sourceId": "d",
                    "mediaType": "text/plain",
                    "title": "t",
                },
                {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AAAA"},
                {"type": "data-plan", "id": "p", "data": {"steps": [1]}},
                {
                    "type": "tool-a",
                    "toolCallId": "c1",
                    "state": "output-available",
                    "input": {},
                    "output": None,
                },
                {
                    "type": "tool-b",
                    "toolCallId": "c2",
                    "state": "approval-requested",
                    "input": {"x": 1},
                    "approval": {"id": "ok"},
                },
                {"type": "step-start"},
                {
                    "type": "dynamic-tool",
                    "toolName": "c",
                    "toolCallId": "c3",
                    "state": "output-error",
                    "input": {},
                    "errorText": "no",
                },
            ],
        },
    ],
}


@pytest.mark.parametrize("form", ANSWERS)
def test_an_answer_in_any_form_is_streamed_as_the_chat_has_it(
    service: Served, agent: Agent, form: str
) -> None:
    agent.say(HELLO)
    turn = agent.begin()
    answer = ANSWERS[form]
    agent.say({**answer[0], "id": "a1"}, *answer[1:])
    with chat(service) as page:
        page.do(what="load")
        loaded = page.until(lambda told: len(told.get("messages", ())) == 2)["messages"]
        page.until(is_done("load"))
        page.do(what="resume")
        page.until(lambda told: told.get("status") == "streaming")
        agent.end(turn)
        shown = page.until(lambda told: told.get("status") == "ready")["messages"]
    assert list(map(bare, shown)) == list(map(bare, loaded))
    assert len(shown[1]["parts"]) == len(loaded[1]["parts"])


def bare(message: dict[str, Any]) -> dict[str, Any]:
    """Without the ids that a stream gives to what is reasoned."""
    parts = [
        {name: value for name, value in part.items() if part["type"] != "reasoning" or name != "id"}
        for part in message["parts"]
    ]
    return {**message, "parts": parts}


def test_what_a_page_sends_is_kept_once_and_answered_by_an_agent_elsewhere(
    service: Served, agent: Agent
) -> None:
    with chat(service) as page:
        page.do(what="send", text="Hello")
        page.until(lambda told: told.get("status") == "submitted")
        wait_for(agent, 1)
        agent.draft("a1", "I am")
        page.until(has("Hello", "I am"))
        agent.say({"role": "assistant", "content": "I am here", "id": "a1"})
        page.until(has("Hello", "I am here", status="ready"))
        page.until(is_done("send"))
        page.do(what="send", text="And now?")
        page.until(lambda told: told.get("status") == "submitted")
        wait_for(agent, 3)
        agent.say({"role": "assistant", "content": "Still", "id": "a2"})
        page.until(has("Hello", "I am here", "And now?", "Still", status="ready"))
        page.until(is_done("send"))
        page.do(what="regenerate")
        page.until(lambda told: told.get("status") == "submitted")
        wait_for(agent, 3)
        agent.say({"role": "assistant", "content": "Yes", "id": "a3"})
        page.until(has("Hello", "I am here", "And now?", "Yes", status="ready"))
    history = agent.ask("GET", "/history").json()["messages"]
    assert [message["content"] for message in history] == ["Hello", "I am here", "And now?", "Yes"]


def test_what_a_page_adds_to_a_call_takes_the_messages_place(service: Served, agent: Agent) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "ask", "arguments": "{}"}}
    agent.say(HELLO, {"role": "assistant", "content": "", "tool_calls": [call], "id": "a1"})
    with chat(service) as page:
        page.do(what="load")
        page.until(is_done("load"))
        page.do(what="output", tool="ask", toolCallId="c1", output="blue")
        page.until(lambda told: told.get("status") == "submitted")
        wait_for(agent, 2, "output")
        agent.say({"role": "assistant", "content": "Blue then", "id": "a2"})
        page.until(has("Hello", "Blue then", status="ready"))
    messages = agent.ask("GET", "/messages").json()["messages"]
    assert [message.get("id") for message in messages] == ["u1", "a1", "a2"]
    assert messages[1]["message"]["parts"][-1]["output"] == "blue"


def test_approvals_reach_a_page_beside_the_answer(service: Served, agent: Agent) -> None:
    agent.say(HELLO)
    turn = agent.begin()
    with chat(service) as page:
        page.do(what="load")
        page.until(is_done("load"))
        page.do(what="resume")
        agent.draft("a1", "May I?")
        page.until(has("Hello", "May I?"))
        agent.ask("POST", "/approvals", json={"id": "ok", "title": "Delete it"})
        agent.say({"role": "assistant", "content": "May I?", "id": "a1"})
        agent.end(turn)
        shown = page.until(has("Hello", "May I?", status="ready"))
    assert [part["data"]["title"] for part in shown["asides"]] == ["Delete it"]


def wait_for(agent: Agent, count: int, text: str = "") -> None:
    """Until so many messages count, the last of which has this text."""

    def is_so() -> bool:
        found = client.get("/api/v1/sessions/chat%2F1%20%C3%BC/messages")
        messages = found.json()["messages"] if found.is_success else []
        return len(messages) == count and text in str(messages[-1])

    with (
        httpx.Client(base_url=agent.service.url, timeout=60, trust_env=False) as client,
        client.stream("GET", "/api/v1/events") as events,
    ):
        # The stream has begun, so whatever is not there yet is told.
        lines = events.iter_lines()
        while not is_so():
            next(line for line in lines if line == "event: session")
