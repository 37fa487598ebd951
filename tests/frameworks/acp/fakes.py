"""An agent without a model, a client without a window, and a connection between them.

`python -m tests.frameworks.acp.fakes` is such an agent in a process of its own.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import acp
from acp.helpers import update_current_mode
from acp.schema import (
    AgentCapabilities,
    AllowedOutcome,
    InitializeResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PermissionOption,
    PromptResponse,
    RequestPermissionResponse,
    SessionInfoUpdate,
    ToolCallUpdate,
)

from web.clients.acp import agent, run

OPTIONS = [
    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
    PermissionOption(option_id="no", name="No", kind="reject_once"),
]


class Scripted:
    """An agent that does what the prompt says, and has forgotten all when it is started again."""

    def __init__(self, *, loads: bool = False) -> None:
        self.loads = loads
        self.begun: list[dict[str, Any]] = []
        self.loaded: list[str] = []
        self.prompted: list[tuple[str, str]] = []
        self.answers: list[RequestPermissionResponse] = []
        self.gate = asyncio.Event()
        """For prompts that begin with `wait`."""
        self.client: Any = None

    def on_connect(self, conn: Any) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        capabilities = AgentCapabilities(load_session=self.loads)
        return InitializeResponse(
            protocol_version=protocol_version, agent_capabilities=capabilities
        )

    async def new_session(self, cwd: str, **arguments: Any) -> NewSessionResponse:
        self.begun.append(arguments)
        session_id = f"inner-{uuid4()}"
        if cwd == "/early":
            await self.client.session_update(session_id, update_current_mode("fast"))
        return NewSessionResponse(session_id=session_id)

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> LoadSessionResponse:
        self.loaded.append(session_id)
        await self.client.session_update(session_id, acp.update_agent_message_text("as I know it"))
        return LoadSessionResponse()

    async def cancel(self, session_id: str, **_: Any) -> None:
        self.gate.set()

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        what = prompt[0].text
        self.prompted.append((session_id, what))
        await getattr(self, f"_{what.split()[0]}")(session_id, what)
        return PromptResponse(stop_reason="end_turn")

    async def _say(self, session_id: str, what: str) -> None:
        for word in what.split()[1:]:
            await self._text(session_id, f"{word} ")

    async def _wait(self, session_id: str, what: str) -> None:
        self.gate.clear()
        await self._text(session_id, "before ")
        await self.gate.wait()
        await self._text(session_id, "after")

    async def _think(self, session_id: str, what: str) -> None:
        for word in ("let ", "me ", "see"):
            await self.client.session_update(session_id, acp.update_agent_thought_text(word))
        self.gate.clear()
        await self.gate.wait()

    async def _count(self, session_id: str, what: str) -> None:
        for number in range(int(what.split()[1])):
            await self._text(session_id, f"{number} ")

    async def _blocks(self, session_id: str, what: str) -> None:
        image = acp.update_agent_message(acp.image_block("aGVsbG8=", "image/png"))
        named = acp.update_agent_message_text("named")
        named.message_id = "m1"
        noted = acp.update_agent_message_text("noted")
        noted.field_meta = {"shown": "small"}
        await self._text(session_id, "look: ")
        for update in (image, named, noted):
            await self.client.session_update(session_id, update)
        await self.client.session_update(session_id, acp.update_agent_message_text("x"), of="us")
        await self._text(session_id, "")

    async def _work(self, session_id: str, what: str) -> None:
        tell = self.client.session_update
        await tell(session_id, acp.update_agent_thought_text("a file, "))
        await tell(session_id, acp.update_agent_thought_text("I think"))
        await tell(session_id, acp.update_plan([acp.plan_entry("read it", status="in_progress")]))
        await self._text(session_id, "I read ")
        await self._text(session_id, "a.txt.")
        raw = {"path": "a.txt"}
        start = acp.start_tool_call("t1", "Reading a.txt", kind="read", status="pending")
        start.raw_input = raw
        await tell(session_id, start)
        asked = ToolCallUpdate(tool_call_id="t1", title="Read a.txt?")
        answer = await self.client.request_permission(session_id, asked, OPTIONS)
        self.answers.append(answer)
        await tell(session_id, acp.update_tool_call("t1", status="in_progress"))
        content = [acp.tool_content(acp.text_block("hello"))]
        await tell(session_id, acp.update_tool_call("t1", status="completed", content=content))
        done = acp.start_tool_call("t2", "Searching", kind="search", status="completed")
        await tell(session_id, done)
        await self._text(session_id, "It says hello.")

    async def _rename(self, session_id: str, what: str) -> None:
        title = SessionInfoUpdate(
            session_update="session_info_update", title=what.partition(" ")[2]
        )
        await self.client.session_update(session_id, title)

    async def _read(self, session_id: str, what: str) -> None:
        read = await self.client.read_text_file(path="/a.txt", session_id=session_id)
        await self._text(session_id, read.content)

    async def _text(self, session_id: str, text: str) -> None:
        await self.client.session_update(session_id, acp.update_agent_message_text(text))


class Window:
    """A client that notes what it is told."""

    def __init__(self, choice: str = "yes") -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.choice = choice
        self.asked: list[Any] = []
        self.changed = asyncio.Event()

    def on_connect(self, conn: Any) -> None:
        self.agent = conn

    async def session_update(self, session_id: str, update: Any, **meta: Any) -> None:
        shown = update.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.told.append((session_id, {**shown, **({"of": meta} if meta else {})}))
        self.changed.set()

    async def request_permission(self, **asked: Any) -> RequestPermissionResponse:
        self.asked.append(asked)
        return RequestPermissionResponse(
            outcome=AllowedOutcome(outcome="selected", option_id=self.choice)
        )

    async def read_text_file(self, session_id: str, path: str, **_: Any) -> Any:
        return acp.ReadTextFileResponse(content=f"{path} of {session_id}")

    async def until_told(self, text: str) -> None:
        """Waits for a text, whether it comes in pieces or not."""
        while text not in self.text:
            self.changed.clear()
            await self.changed.wait()

    @property
    def text(self) -> str:
        contents = [update.get("content") for _, update in self.told]
        return "".join(one["text"] for one in contents if isinstance(one, dict) and "text" in one)

    def taken(self) -> list[dict[str, Any]]:
        """What it was told since the last time, pieces of one text joined."""
        joined: list[dict[str, Any]] = []
        for _, update in self.told:
            if joined and _go_together(joined[-1], update):
                text = joined[-1]["content"]["text"] + update["content"]["text"]
                joined[-1] = {**update, "content": {"type": "text", "text": text}}
            else:
                joined.append(update)
        self.told.clear()
        return joined


def _go_together(one: dict[str, Any], other: dict[str, Any]) -> bool:
    plain = {"sessionUpdate", "content", "messageId"}
    return (
        one.keys() == other.keys() <= plain
        and one["sessionUpdate"] == other["sessionUpdate"]
        and one.get("messageId") == other.get("messageId")
        and isinstance(one["content"], dict)
        and one["content"].keys() == other["content"].keys() == {"type", "text"}
    )


@asynccontextmanager
async def connected(inner: Any, window: Window, **place: Any) -> AsyncIterator[Any]:
    """The agent around `inner`, at the other end of a connection."""
    ends = socket.socketpair()
    (its_reader, its_writer), (reader, writer) = [
        await asyncio.open_connection(sock=end) for end in ends
    ]
    serving = asyncio.create_task(run(agent(inner, **place), its_writer, its_reader))
    connection = acp.connect_to_agent(window, writer, reader, use_unstable_protocol=True)
    try:
        await connection.initialize(protocol_version=1)
        yield connection
    finally:
        await connection.close()
        writer.close()
        await serving
        its_writer.close()


def prompt(text: str) -> list[Any]:
    return [acp.text_block(text)]


if __name__ == "__main__":
    asyncio.run(run(agent(Scripted())))
