"""Sessions of this process: each is one of the log's, and one of the inner agent's.

The inner agent has ids of its own, which after a restart mean nothing, unless it can load or resume
sessions itself. One that cannot begins a new one, and is told which of ours it is: there it can ask
for the context.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from acp import RequestError
from acp.interfaces import Client
from attrs import define, field

from web.clients.acp.asking import Inner
from web.clients.acp.refusals import unknown
from web.clients.acp.telling import Session
from web.clients.client import AgentRuntimeClient
from web.clients.errors import NotFound

ACP = "acp"
"""The member of a session's metadata with the inner agent's id."""

LOADS = ("resume_session", "load_session")
"""What the inner agent may be able to do, the cheaper first."""


@define(eq=False)
class Attached:
    """Sessions by both of their ids."""

    _inner: Inner
    _kept: AgentRuntimeClient
    _by_id: dict[str, Session] = field(factory=dict)
    _by_inner_id: dict[str, Session] = field(factory=dict)
    _lock: asyncio.Lock = field(factory=asyncio.Lock)
    _beginning: int = 0
    """Sessions whose ids the inner agent is about to say."""
    _early: list[tuple[Client, str, object, Mapping[str, Any]]] = field(factory=list)
    """What it told of them before."""

    def by_id(self, session_id: str) -> Session | None:
        """One that this process serves."""
        return self._by_id.get(session_id)

    def by_inner_id(self, inner_id: str) -> Session:
        """Raises `RequestError`: the inner agent tells of a session that is none."""
        if inner_id not in self._by_inner_id:
            raise unknown(inner_id)
        return self._by_inner_id[inner_id]

    async def tell(
        self, client: Client, inner_id: str, update: object, meta: Mapping[str, Any]
    ) -> None:
        """Keeps an update and tells the client. Raises `RequestError`."""
        if inner_id not in self._by_inner_id and self._beginning:
            self._early.append((client, inner_id, update, meta))
            return
        await self.by_inner_id(inner_id).tell(client, update, meta)

    def translated(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters with the inner agent's id in place of ours."""
        session = self._by_id.get(str(params.get("sessionId")))
        return params if session is None else {**params, "sessionId": session.inner_id}

    async def begin(
        self, session_id: str, cwd: str, arguments: Mapping[str, Any]
    ) -> tuple[Session, Any]:
        """Lets the inner agent begin a session of its own for one of ours."""
        self._beginning += 1
        try:
            said = await self._inner.begin(session_id, cwd=cwd, **arguments)
            session = self._add(session_id, said.session_id)
        finally:
            self._beginning -= 1
        _note_state(session, said)
        early = [one for one in self._early if one[1] == session.inner_id]
        self._early = [one for one in self._early if one[1] != session.inner_id]
        for client, inner_id, update, meta in early:
            await self.tell(client, inner_id, update, meta)
        if any(self._inner.can(name) for name in LOADS):
            note = {"metadata": {ACP: {"inner": said.session_id}}}
            await asyncio.to_thread(self._kept.patch_session, session_id, note)
        return session, said

    async def attach(
        self, session_id: str, cwd: str | None, arguments: Mapping[str, Any]
    ) -> Session:
        """The session, whether this process has served it before or not.

        Raises `RequestError`: there is none.
        """
        async with self._lock:
            if (known := self._by_id.get(session_id)) is not None:
                return known
            if not session_id:
                raise unknown(session_id)
            try:
                header = await asyncio.to_thread(self._kept.get_session, session_id)
            except NotFound as error:
                raise unknown(session_id) from error
            metadata = header["metadata"]
            folder = cwd or metadata.get("cwd") or "/"
            its = metadata.get(ACP)
            inner_id = its.get("inner") if isinstance(its, dict) else None
            if inner_id is not None:
                session = await self._again(session_id, inner_id, folder, arguments)
                if session is not None:
                    return session
            session, _ = await self.begin(session_id, folder, arguments)
            return session

    async def fork(
        self, source: Session | None, session_id: str, cwd: str, arguments: Mapping[str, Any]
    ) -> tuple[Session, Any]:
        """Lets the inner agent fork its session, or begin one, for a fork of ours."""
        if source is None or not self._inner.can("fork_session"):
            return await self.begin(session_id, cwd, arguments)
        said = await self._inner.ask(
            "fork_session", "session/fork", session_id=source.inner_id, cwd=cwd, **arguments
        )
        session = self._add(session_id, said.session_id)
        _note_state(session, said)
        note = {"metadata": {ACP: {"inner": said.session_id}}}
        await asyncio.to_thread(self._kept.patch_session, session_id, note)
        return session, said

    async def close(self, session_id: str, arguments: Mapping[str, Any]) -> Any:
        """Ends what the inner agent has of it. Raises `RequestError`: there is no such session."""
        session = self._by_id.get(session_id)
        if session is None:
            try:
                await asyncio.to_thread(self._kept.get_session, session_id)
            except NotFound as error:
                raise unknown(session_id) from error
            return None
        await session.pause()
        answer = None
        if self._inner.can("close_session"):
            answer = await self._inner.ask(
                "close_session", "session/close", session_id=session.inner_id, **arguments
            )
        self._remove(session)
        return answer

    async def _again(
        self, session_id: str, inner_id: str, cwd: str, arguments: Mapping[str, Any]
    ) -> Session | None:
        for name in LOADS:
            if not self._inner.can(name) or inner_id in self._by_inner_id:
                continue
            session = self._add(session_id, inner_id)
            session.is_silent = True  # the log tells it, as it was told
            try:
                said = await self._inner.ask(name, name, session_id=inner_id, cwd=cwd, **arguments)
            except RequestError:  # it has forgotten it
                self._remove(session)
            except BaseException:
                self._remove(session)
                raise
            else:
                _note_state(session, said)
                session.is_silent = False
                return session
        return None

    def _add(self, session_id: str, inner_id: str) -> Session:
        session = Session(session_id, inner_id, self._kept)
        self._by_id[session_id] = self._by_inner_id[inner_id] = session
        return session

    def _remove(self, session: Session) -> None:
        del self._by_id[session.id], self._by_inner_id[session.inner_id]


def _note_state(session: Session, said: Any) -> None:
    # `session/load` may have no answer.
    session.modes = getattr(said, "modes", None)
    session.config_options = getattr(said, "config_options", None)
