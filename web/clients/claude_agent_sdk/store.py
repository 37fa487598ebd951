"""AgentRuntimeSessionStore: transcripts of the Claude Agent SDK, in a service."""

from collections.abc import Callable, Iterator
from typing import Self, TypeVar

from anyio import to_thread
from claude_agent_sdk import (
    SessionKey,
    SessionListSubkeysKey,
    SessionStore,
    SessionStoreEntry,
    SessionStoreListEntry,
    SessionSummaryEntry,
)

from web.clients.calls.shapes import Listed
from web.clients.claude_agent_sdk.lines import FRAMEWORK
from web.clients.claude_agent_sdk.names import Transcript, mains_of, name_in, subagents_of
from web.clients.claude_agent_sdk.reading import lines_of
from web.clients.claude_agent_sdk.summaries import INCLUDED, Summaries, mtime
from web.clients.claude_agent_sdk.writing import Writing
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import NotFound

T = TypeVar("T")


class AgentRuntimeSessionStore(SessionStore):
    """Implements the SDK's `SessionStore`, with all that is optional in it.

    Calls of the service: `append` 1 (the first one to a session 2, to a new one 3), `load` 1 for
    each 1,000 lines, `list_sessions` 1 for each 1,000 sessions, `list_session_summaries` as many
    and 2 for each session that has changed since the last time, `list_subkeys` 1, `delete` 2 and
    one for each subagent.

    Each method raises `web.clients.errors.AgentRuntimeError`. The SDK tries a failed append again
    and then tells of it by a `MirrorErrorMessage`; a resume ends with a `RuntimeError` that has the
    same sentence.
    """

    def __init__(
        self, url: str | None = None, *, token: str | None = None, runtime: Transport | None = None
    ) -> None:
        """`url`, `token`, `runtime`: as `AgentRuntimeClient` has them."""
        self._client = AgentRuntimeClient(url, token=token, runtime=runtime)
        self._writing = Writing(self._client)

    def close(self) -> None:
        """Closes the connections. Said twice, it is the same."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Appends lines: those of one `uuid` once, the first of them.

        All or none, up to 12 MiB; more goes in several calls, in order, and a line that is larger
        by itself in pieces.
        """
        if not entries:
            return
        transcript = Transcript.of(key)
        # Before anything is awaited: the order of the calls is the order of the lines.
        queue, done = self._writing.queue(transcript, list(entries))
        await _in_thread(lambda: self._writing.run(transcript, queue, done))

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """All lines, the first one first. `None`: there are none.

        What other programs said in this session is among them, as lines.
        """
        return await _in_thread(lambda: self._lines(Transcript.of(key).id) or None)

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """A project's sessions, without their subagents."""
        return await _in_thread(
            lambda: [
                {"session_id": name_in(listed["metadata"], "session_id"), "mtime": mtime(listed)}
                for listed in self._mains(project_key)
            ]
        )

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """What the SDK's list shows of each of them."""
        summaries = Summaries(self._client)
        return await _in_thread(
            lambda: [
                summary
                for listed in self._mains(project_key)
                if (summary := summaries.of(project_key, listed)) is not None
            ]
        )

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """The subpaths of a session's subagents."""
        return await _in_thread(
            lambda: [
                name_in(listed["metadata"], "subpath")
                for listed in self._subagents(Transcript.of(key))
            ]
        )

    async def delete(self, key: SessionKey) -> None:
        """Puts a session into the trash, and all its subagents; with a subpath, that one only.

        From there the service deletes it after `--trash-days`, and `undelete` brings it back.
        """
        await _in_thread(lambda: self._delete(Transcript.of(key)))

    def _lines(self, session_id: str) -> list[SessionStoreEntry]:
        return list(lines_of(session_id, FRAMEWORK.items(self._client, session_id)))

    def _mains(self, project_key: str) -> Iterator[Listed]:
        return self._listed(mains_of(project_key))

    def _subagents(self, transcript: Transcript) -> Iterator[Listed]:
        return self._listed(subagents_of(transcript))

    def _listed(self, metadata: dict[str, str]) -> Iterator[Listed]:
        for listed in self._client.iter_sessions(metadata=metadata, include=INCLUDED):
            if listed["version"] > 1:  # else it was made for lines that did not come
                yield listed

    def _delete(self, transcript: Transcript) -> None:
        # The subagents first: if it ends in between, the session is there, to be deleted again.
        doomed = [transcript.id]
        if transcript.subpath is None:
            listed = self._client.iter_sessions(
                metadata=subagents_of(transcript), include=("metadata",)
            )
            doomed = [*(one["session_id"] for one in listed), transcript.id]
        for session_id in doomed:
            self._writing.forget(session_id)
            try:
                self._client.delete_session(session_id)
            except NotFound:
                continue


async def _in_thread(call: Callable[[], T]) -> T:
    # anyio and not asyncio: the SDK runs under trio, too. The SDK's time limits end the wait.
    return await to_thread.run_sync(call, abandon_on_cancel=True)
