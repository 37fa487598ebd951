"""KeptAgent: an agent of the Agent Client Protocol around another."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

from acp.interfaces import Agent, Client
from acp.schema import (
    AgentCapabilities,
    ForkSessionResponse,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptResponse,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionCloseCapabilities,
    SessionDeleteCapabilities,
    SessionForkCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SessionResumeCapabilities,
)

from web.clients.acp.asking import Inner
from web.clients.acp.attaching import ACP, Attached
from web.clients.acp.between import Between
from web.clients.acp.refusals import as_request_errors, unknown
from web.clients.acp.telling import Session
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import AgentRuntimeError, NotFound

T = TypeVar("T")

DELETE = "session/delete"

PAGE = 50
"""Sessions of one answer to `session/list`."""


def agent(
    inner: Agent,
    *,
    url: str | None = None,
    token: str | None = None,
    runtime: Transport | None = None,
) -> "KeptAgent":
    """An agent around another: sessions that can be listed, loaded and forked.

    `url`, `token`, `runtime`: as `AgentRuntimeClient` has them.
    """
    return KeptAgent(inner, AgentRuntimeClient(url, token=token, runtime=runtime))


class KeptAgent:
    """Implements the protocol's `Agent`.

    Calls of the service: `session/new` 1 (2 if the inner agent can load sessions itself), `list` 1,
    `load` 1 and 1 for each 1,000 entries, `resume` 0, both 1 more for a session that this process
    has not served yet; `close` 0, `delete` 1, `fork` 1; a prompt 1, the first one to a session 2;
    what the client is told 1 (a title 2), a text in pieces 1 for each and 1 at its end; a
    permission 2.

    What the service refuses, and a service that is away, is a `RequestError` with its sentence.
    """

    def __init__(self, inner: Agent, kept: AgentRuntimeClient) -> None:
        self._inner = Inner(inner)
        self._kept = kept
        self._attached = Attached(self._inner, kept)
        self._client: Client | None = None
        self.is_deleting = False
        """Whether the client can be told of `session/delete`: its connection has to bring it."""

    def close(self) -> None:
        """Closes the connections to the service. Said twice, it is the same."""
        self._kept.close()

    def on_connect(self, conn: Client) -> None:
        """Gives the inner agent a client that keeps what it is told."""
        self._client = conn
        self._inner.connect(Between(conn, self._attached))

    async def initialize(self, protocol_version: int, **arguments: Any) -> InitializeResponse:
        """What the inner agent says, and what can be done with sessions here."""
        said = await self._inner.ask(
            "initialize", "initialize", protocol_version=protocol_version, **arguments
        )
        its = said.agent_capabilities or AgentCapabilities()
        self._inner.capabilities = its
        sessions = (its.session_capabilities or SessionCapabilities()).model_copy(
            update={
                "list": SessionListCapabilities(),
                "resume": SessionResumeCapabilities(),
                "close": SessionCloseCapabilities(),
                "fork": SessionForkCapabilities(),
                **({"delete": SessionDeleteCapabilities()} if self.is_deleting else {}),
            }
        )
        ours = its.model_copy(update={"load_session": True, "session_capabilities": sessions})
        return said.model_copy(update={"agent_capabilities": ours})

    async def authenticate(self, method_id: str, **arguments: Any) -> Any:
        """Passed on."""
        return await self._inner.ask(
            "authenticate", "authenticate", method_id=method_id, **arguments
        )

    # -- sessions ----------------------------------------------------------------------------

    async def new_session(self, cwd: str, **arguments: Any) -> NewSessionResponse:
        """Makes a session at once, and lets the inner agent begin it."""
        session_id = str(uuid4())
        metadata = _metadata(cwd, arguments)
        with as_request_errors():
            await asyncio.to_thread(self._kept.create_session, session_id, metadata=metadata)
            try:
                session, said = await self._attached.begin(session_id, cwd, arguments)
            except BaseException:
                # The client has not heard of it: it would only lie in lists.
                with suppress(AgentRuntimeError):
                    await asyncio.to_thread(self._kept.delete_session, session_id, purge=True)
                raise
        return said.model_copy(update={"session_id": session.id})

    async def load_session(self, cwd: str, session_id: str, **arguments: Any) -> Any:
        """Tells again all that the client was told, in order; prompts as the user's."""
        with as_request_errors():
            session = await self._attached.attach(session_id, cwd, arguments)
            assert self._client is not None, "a call comes over a connection"
            await session.tell_again(self._client)
        return LoadSessionResponse(**_state(session))

    async def resume_session(self, session_id: str, cwd: str, **arguments: Any) -> Any:
        """Goes on with a session, and tells nothing again."""
        with as_request_errors():
            session = await self._attached.attach(session_id, cwd, arguments)
        return ResumeSessionResponse(**_state(session))

    async def fork_session(self, session_id: str, cwd: str, **arguments: Any) -> Any:
        """Makes a session of all that was said in another."""
        with as_request_errors():
            if (source := self._attached.by_id(session_id)) is not None:
                await source.pause()
            # The inner agent's id is that of the original.
            metadata = {**_metadata(cwd, arguments), ACP: None}
            header = await asyncio.to_thread(self._kept.fork_session, session_id, metadata=metadata)
            forked, _ = await self._attached.fork(source, header["session_id"], cwd, arguments)
        return ForkSessionResponse(session_id=forked.id, **_state(forked))

    async def list_sessions(
        self, cwd: str | None = None, cursor: str | None = None, **_meta: Any
    ) -> ListSessionsResponse:
        """The sessions with a folder (this one), used last first. Without those of subagents."""
        wanted = {"parent": "", **({} if cwd is None else {"cwd": cwd})}
        with as_request_errors():
            page = await asyncio.to_thread(
                self._kept.list_sessions,
                limit=PAGE,
                cursor=cursor,
                archived=False,
                include=("title", "metadata"),
                metadata=wanted,
            )
        found = [
            SessionInfo(
                session_id=one["session_id"],
                cwd=metadata["cwd"],
                title=one.get("title"),
                updated_at=one["last_activity"],
                additional_directories=metadata.get("additional_directories"),
            )
            for one in page["sessions"]
            if isinstance((metadata := one.get("metadata", {})).get("cwd"), str)
        ]
        return ListSessionsResponse(sessions=found, next_cursor=page.get("next_cursor"))

    async def close_session(self, session_id: str, **arguments: Any) -> Any:
        """Ends what the inner agent has of a session. It can be loaded again."""
        with as_request_errors():
            return await self._attached.close(session_id, arguments)

    async def delete_session(self, session_id: str, **_meta: Any) -> None:
        """Puts a session into the trash."""
        with as_request_errors():
            if self._attached.by_id(session_id) is not None:
                await self._attached.close(session_id, {})
            try:
                await asyncio.to_thread(self._kept.delete_session, session_id)
            except NotFound as error:
                raise unknown(session_id) from error

    # -- within a session --------------------------------------------------------------------

    async def prompt(self, session_id: str, prompt: Sequence[Any], **meta: Any) -> PromptResponse:
        """Keeps what the user says, then lets the inner agent answer."""
        session = await self._session(session_id)
        with as_request_errors():
            await session.prompt(prompt)
        try:
            answer: PromptResponse = await self._inner.ask(
                "prompt", "session/prompt", session_id=session.inner_id, prompt=prompt, **meta
            )
        finally:
            with as_request_errors():
                await session.pause()
        return answer

    async def cancel(self, session_id: str, **meta: Any) -> None:
        """Passed on, if there is something to be cancelled."""
        if (session := self._attached.by_id(session_id)) is not None:
            await self._inner.ask("cancel", "session/cancel", session_id=session.inner_id, **meta)

    async def set_session_mode(self, session_id: str, mode_id: str, **meta: Any) -> Any:
        """Passed on."""
        session = await self._session(session_id)
        return await self._inner.ask(
            "set_session_mode",
            "session/set_mode",
            session_id=session.inner_id,
            mode_id=mode_id,
            **meta,
        )

    async def set_config_option(
        self, config_id: str, session_id: str, value: Any, **meta: Any
    ) -> Any:
        """Passed on."""
        session = await self._session(session_id)
        return await self._inner.ask(
            "set_config_option",
            "session/set_config_option",
            session_id=session.inner_id,
            config_id=config_id,
            value=value,
            **meta,
        )

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Passed on, and `session/delete`; a `sessionId` in it becomes the inner agent's."""
        if method == DELETE:
            await self.delete_session(str(params.get("sessionId")))
            return {}
        answer: dict[str, Any] = await self._inner.ask(
            "ext_method", f"_{method}", method=method, params=self._attached.translated(params)
        )
        return answer

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Passed on, likewise."""
        await self._inner.ask(
            "ext_notification",
            f"_{method}",
            method=method,
            params=self._attached.translated(params),
        )

    async def _session(self, session_id: str) -> Session:
        # After a restart of the agent, a client may go on without a word about it.
        with as_request_errors():
            return await self._attached.attach(session_id, None, {})


def _metadata(cwd: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    more = arguments.get("additional_directories")
    return {"cwd": cwd, **({"additional_directories": list(more)} if more else {})}


def _state(session: Session) -> dict[str, Any]:
    return {"modes": session.modes, "config_options": session.config_options}
