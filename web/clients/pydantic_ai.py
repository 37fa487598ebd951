"""AgentRuntimeHistory: message histories of Pydantic AI, kept by a service.

Rules:

- A `ModelMessage` is one message of the log, as the framework's own `ModelMessagesTypeAdapter`
  writes it in the metadata. What it says is repeated beside that, with the calls of tools and their
  results in a form that contexts know, since others read none of the framework's parts.
- A request that has a system prompt beside other parts is two messages: the prompt, which only
  others read, and the request.
- A message that another program wrote is read as its role and text alone; `lossy` says what it had
  besides.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    UserPromptPart,
)

from web.clients.calls.shapes import Message, NewEntry
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import AgentRuntimeError, ServiceUnavailable, ServiceUnreachable
from web.clients.names import session_id_of
from web.clients.shared.carrying import cleaned
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain
from web.clients.shared.waiting import in_thread

T = TypeVar("T")

FRAMEWORK = Framework("pydantic_ai")

BETWEEN = "\n\n"
"""Between texts that are one text for others."""

_BEFORE = {"part": "system-prompt"}
"""The envelope of a system prompt whose request comes next, and has it too."""


class AgentRuntimeHistory:
    """The history of one conversation. Used by any number of tasks and threads at one time.

    `append` costs one call, `load` one for each 1,000 messages. What was appended is on disk.
    Raises the framework's `UserError` for what the caller has to change (a wrong token, a message
    that is too large) and `AgentRunError` for a service that is away: of the messages of one call,
    all were appended, or none.
    """

    def __init__(
        self,
        session_id: str,
        *,
        url: str | None = None,
        token: str | None = None,
        runtime: Transport | None = None,
    ) -> None:
        """`session_id`: whoever uses the same one shares the session, whatever the framework.

        `url`, `token`, `runtime`: as `AgentRuntimeClient` takes them.
        """
        self.session_id = session_id
        self.lossy: Mapping[int, Sequence[str]] = {}
        """Of the messages of others that were last loaded, by their numbers: members that are not
        in what was made of them."""
        with _told():
            self._client = AgentRuntimeClient(url, token=token, runtime=runtime)
        self._id = session_id_of(session_id)
        self._is_named = self._id == session_id

    async def load(self) -> list[ModelMessage]:
        """The messages, oldest first, for `agent.run(…, message_history=…)`."""
        return await _done(self._load)

    async def append(self, messages: Sequence[ModelMessage]) -> None:
        """Appends messages, all of them or none: after a run, its `result.new_messages()`.

        Raises what `ModelMessagesTypeAdapter.dump_json` does for what cannot be kept.
        """
        # By its JSON, not by `dump_python`: what cannot be read back (a lone surrogate) is refused.
        dumped = json.loads(ModelMessagesTypeAdapter.dump_json(list(messages)))
        pairs = zip(messages, dumped, strict=True)
        entries = [entry for message, envelope in pairs for entry in _entries(message, envelope)]
        if entries:
            await _done(lambda: self._append(entries))

    def close(self) -> None:
        """Closes the connections. Nothing is lost if nobody does."""
        self._client.close()

    def _load(self) -> list[ModelMessage]:
        messages: list[ModelMessage] = []
        lossy = {}
        for item in FRAMEWORK.items(self._client, self._id):
            if item.envelope == _BEFORE:
                continue
            message, lost = _message(item)
            messages.append(message)
            if lost:
                lossy[item.seq] = lost
        self.lossy = lossy
        return messages

    def _append(self, entries: Sequence[NewEntry]) -> None:
        if not self._is_named:
            FRAMEWORK.make(self._client, self._id, {"session_id": self.session_id})
            self._is_named = True
        FRAMEWORK.append(self._client, self._id, entries)


def _entries(message: ModelMessage, dumped: Any) -> Iterator[NewEntry]:
    envelope = {"message": dumped}
    if isinstance(message, ModelResponse):
        yield FRAMEWORK.message(_shown("assistant", _of_response(message)), envelope)
        return
    prompts = [part.content for part in message.parts if isinstance(part, SystemPromptPart)]
    blocks = list(_of_request(message))
    if prompts and blocks:
        yield FRAMEWORK.message({"role": "system", "content": BETWEEN.join(prompts)}, _BEFORE)
    elif prompts:
        shown: Message = {"role": "system", "content": BETWEEN.join(prompts)}
        yield FRAMEWORK.message(shown, envelope)
        return
    yield FRAMEWORK.message(_shown("user", blocks), envelope)


def _of_request(message: ModelRequest) -> Iterator[dict[str, Any]]:
    """What a user says, and the results of tools, which come first.

    They are blocks of the `tool_use` form: as a request, it has several of them in one message.
    """
    texts = []
    for part in message.parts:
        match part.part_kind:
            case "user-prompt":
                said = [part.content] if isinstance(part.content, str) else part.content
                # Of what is no text (a picture, a file), the bytes are there once, in the envelope.
                texts += [one for one in map(_text_of, said) if one is not None]
            case "tool-return":
                yield _result(part.tool_call_id, part.model_response_str())
            case "retry-prompt" if part.tool_name is not None:
                yield {**_result(part.tool_call_id, part.model_response()), "is_error": True}
            case "retry-prompt" | "retry-feedback":
                texts.append(part.model_response())
            case _:
                pass  # what the framework tells itself
    yield from ({"type": "text", "text": text} for text in texts)


def _of_response(message: ModelResponse) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        match part.part_kind:
            case "text":
                yield {"type": "text", "text": part.content}
            case "tool-call":
                yield {
                    "type": "tool_use",
                    "id": part.tool_call_id,
                    "name": part.tool_name,
                    "input": cleaned(part.args_as_dict()),
                }
            case _:
                pass  # a provider takes its own thoughts back only as it signed them


def _shown(role: str, blocks: Iterable[dict[str, Any]]) -> Message:
    """A message for others: of text alone as a text, which is what most of them have."""
    blocks = list(blocks)
    if all(block["type"] == "text" for block in blocks):
        return {"role": role, "content": BETWEEN.join(block["text"] for block in blocks)}
    return {"role": role, "content": blocks}


def _result(call_id: str, said: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": said}


def _text_of(part: object) -> str | None:
    if isinstance(part, str):
        return part
    content = getattr(part, "content", None)  # `TextContent`
    return content if isinstance(content, str) else None


def _message(item: Item) -> tuple[ModelMessage, Sequence[str]]:
    """What was appended, and what it lacks of another's message."""
    if isinstance(item.envelope, dict) and "message" in item.envelope:
        # As text, in which alone the framework's bytes are base64.
        text = json.dumps([item.envelope["message"]])
        return ModelMessagesTypeAdapter.validate_json(text)[0], ()
    assert item.message is not None, "this framework writes no records"
    said, at = plain(item.message), datetime.fromisoformat(item.at)
    match said.role:
        case "assistant" | "model" | "ai":
            return ModelResponse([TextPart(said.text)], timestamp=at), said.lossy
        case "system" | "developer":
            return ModelRequest([SystemPromptPart(said.text, timestamp=at)]), said.lossy
        case _:
            return ModelRequest([UserPromptPart(said.text, timestamp=at)]), said.lossy


async def _done(work: Callable[[], T]) -> T:
    with _told():
        return await in_thread(work)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of ours as the framework's own, by whose fault it is."""
    try:
        yield
    except AgentRuntimeError as error:
        is_ours = isinstance(error, ServiceUnreachable | ServiceUnavailable)
        raise (AgentRunError if is_ours else UserError)(str(error)) from error
