"""AgentRuntimeChat: UI messages of the AI SDK, out and in, for agents that are written in Python.

A page has `useChat`, which talks to the service itself: it sends what a person says to `/ai/chat`,
and is streamed what an agent writes. This is the agent's side, and that of a server which renders
a page's first messages. What UI messages are made of, the service knows; here is nothing but calls.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NotRequired, Self, TypedDict
from urllib.parse import quote
from uuid import uuid4

from web.clients.calls.terms import as_json, pairs
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Ask, Call, Pairs, Transport
from web.clients.errors import InvalidCall
from web.clients.shared.waiting import in_thread
from web.clients.writing import Draft
from web.ui.vercel.reading import Reading
from web.ui.vercel.sent import NoUiMessage, as_message

UiMessage = dict[str, Any]
Chunk = dict[str, Any]

PAGE = 1_000
"""Messages of the log that the service looks at for one answer."""


class Loaded(TypedDict):
    """A part of a chat."""

    id: str
    messages: list[UiMessage]
    cursor: str
    lossy: NotRequired[list[dict[str, Any]]]
    earlier: NotRequired[int]


class Saved(TypedDict):
    """What became of UI messages."""

    session_id: str
    version: int
    durable_seq: int
    applied: int
    """Entries that were appended: 0 if all were known."""
    kept: NotRequired[list[str]]
    """Those that are known with other parts, and stay as they are."""
    replaced: NotRequired[int]


class AgentRuntimeChat:
    """One chat, which is the session of this id. Used by any number of threads at one time.

    `load` costs a call for each 1,000 messages of the log, `save` one, and `keep` one a delta and
    one at the end. Raises what `AgentRuntimeClient` does: the AI SDK has no errors of its own for a
    store.
    """

    def __init__(
        self,
        chat_id: str,
        *,
        url: str | None = None,
        token: str | None = None,
        runtime: Transport | None = None,
    ) -> None:
        """`chat_id`: as `useChat` has it. The rest: as `AgentRuntimeClient` takes it."""
        self.chat_id = chat_id
        self.lossy: Sequence[Mapping[str, Any]] = ()
        """Of what was loaded last: by the numbers of entries, members that no UI message has."""
        self._client = AgentRuntimeClient(url, token=token, runtime=runtime)

    def close(self) -> None:
        """Closes the connections. Said twice, it is the same."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def load(self) -> list[UiMessage]:
        """The whole chat, oldest first: with what `useChat` begins."""
        messages: list[UiMessage] = []
        lossy: list[Mapping[str, Any]] = []
        before: int | None = None
        while True:
            page = self._client.ask(self._loading(before))
            messages = page["messages"] + messages
            lossy = [*page.get("lossy", ()), *lossy]
            before = page.get("earlier")
            if before is None:
                self.lossy = lossy
                return messages

    def save(self, messages: Sequence[UiMessage], *, at: str | None = None) -> Saved:
        """Keeps UI messages, each once by its id: those that are new, or the whole chat.

        The last one may come again with more parts. `at`: go back to before this message first.
        """
        said: dict[str, Any] = {"messages": list(messages)}
        if at is not None:
            said["messageId"] = at
        with _checked():
            # As JavaScript writes it: half of a surrogate pair is replaced there, and counted.
            content = json.dumps(said, allow_nan=False).encode()
        # Said twice, the second one would take back what was answered to the first.
        is_safe = at is None
        call = Call(method="POST", path=self._path, content=content, is_repeatable=is_safe)
        return self._client.ask(Ask(call, as_json(Saved)))

    def keep(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Passes on what an agent streams, and keeps it as it comes: for whoever resumes it.

        What there is of the answer is a draft until `finish`, and then a UI message. A stream that
        ends before that leaves the draft. The session must be there: save what was asked first.
        """
        reading, draft = Reading(uuid4().hex), None
        for chunk in chunks:
            draft = self._take(reading, draft, chunk)
            yield {**chunk, "messageId": reading.id} if chunk["type"] == "start" else chunk

    async def aload(self) -> list[UiMessage]:
        """As `load`."""
        return await in_thread(self.load)

    async def asave(self, messages: Sequence[UiMessage], *, at: str | None = None) -> Saved:
        """As `save`."""
        return await in_thread(lambda: self.save(messages, at=at))

    async def akeep(self, chunks: AsyncIterable[Chunk]) -> AsyncIterator[Chunk]:
        """As `keep`."""
        reading, draft = Reading(uuid4().hex), None
        async for chunk in chunks:
            draft = await in_thread(lambda: self._take(reading, draft, chunk))  # noqa: B023
            yield {**chunk, "messageId": reading.id} if chunk["type"] == "start" else chunk

    # -- inside ------------------------------------------------------------------------------

    @property
    def _path(self) -> str:
        with _checked():
            return f"/ai/chat/{quote(self.chat_id, safe='')}"

    def _loading(self, before: int | None) -> Ask[Loaded]:
        query: Pairs = pairs(last=PAGE, before=before)
        call = Call(method="GET", path=self._path, query=query, is_repeatable=True)
        return Ask(call, as_json(Loaded))

    def _take(self, reading: Reading, draft: Draft | None, chunk: Chunk) -> Draft | None:
        grown = reading.take(chunk)
        if grown is not None:
            if draft is None:
                draft = self._client.draft(self.chat_id, reading.id)
            draft.append(grown[1], part=grown[0])
        if reading.is_finished:
            if draft is None:
                draft = self._client.draft(self.chat_id, reading.id)
            draft.finish(as_message(reading.message))
        return draft


@contextmanager
def _checked() -> Iterator[None]:
    """What cannot be said in JSON, or in a path, is the caller's to change."""
    try:
        yield
    except (ValueError, TypeError, RecursionError, NoUiMessage) as error:
        raise InvalidCall(400, f"It cannot be said in JSON: {error}", {}) from error
