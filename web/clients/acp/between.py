"""The client, as the inner agent sees it: what it is told is kept, and what it is asked is noted.

The inner agent has ids of its own for sessions; here they become those that the client knows.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

from acp.interfaces import Client
from acp.schema import (
    AllowedOutcome,
    DeniedOutcome,
    RequestPermissionResponse,
)

from web.clients.acp.refusals import as_request_errors
from web.clients.acp.telling import LONGEST_TITLE, Session
from web.clients.errors import Conflict, InvalidCall

PASSED = frozenset(
    {
        "read_text_file",
        "write_text_file",
        "create_terminal",
        "terminal_output",
        "release_terminal",
        "wait_for_terminal_exit",
        "kill_terminal",
    }
)
"""Calls that are the client's own business. All begin with the session."""


class Sessions(Protocol):
    """Sessions by the inner agent's ids."""

    def by_inner_id(self, inner_id: str) -> Session:
        """Raises `RequestError`: there is none."""

    async def tell(
        self, client: Client, inner_id: str, update: object, meta: Mapping[str, Any]
    ) -> None:
        """Keeps an update and tells the client. Raises likewise."""


class Between:
    """Implements the protocol's `Client`."""

    def __init__(self, client: Client, sessions: Sessions) -> None:
        self._client = client
        self._session_of = sessions.by_inner_id
        self._tell = sessions.tell

    async def session_update(self, session_id: str, update: Any, **meta: Any) -> None:
        """Keeps an update and tells the client. Raises `RequestError`: it was not told."""
        with as_request_errors():
            await self._tell(self._client, session_id, update, meta)

    async def request_permission(
        self, session_id: str, tool_call: Any, options: Sequence[Any], **meta: Any
    ) -> RequestPermissionResponse:
        """Asks the client. Question and answer are an approval in the log."""
        session = self._session_of(session_id)
        with as_request_errors():
            await session.pause()
            asked = await asyncio.to_thread(_ask, session, tool_call, options)
        answer: RequestPermissionResponse = await self._client.request_permission(
            session_id=session.id, tool_call=tool_call, options=list(options), **meta
        )
        with as_request_errors():
            return await asyncio.to_thread(_decide, session, asked, answer, options)

    async def create_elicitation(self, message: str, mode: Any, **meta: Any) -> Any:
        """Asks the client for what the agent needs to know; it is not kept."""
        if (inner := getattr(mode, "session_id", None)) is not None:
            mode = mode.model_copy(update={"session_id": self._session_of(inner).id})
        return await self._client.create_elicitation(message=message, mode=mode, **meta)

    async def complete_elicitation(self, elicitation_id: str, **meta: Any) -> None:
        """Passed on as it is."""
        await self._client.complete_elicitation(elicitation_id=elicitation_id, **meta)

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Passed on; a `sessionId` in it becomes the client's."""
        return await self._client.ext_method(method, self._outer(params))

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Passed on, likewise; it is not kept."""
        await self._client.ext_notification(method, self._outer(params))

    def on_connect(self, conn: Any) -> None:
        """Says nothing: it is connected."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in PASSED:
            raise AttributeError(f"{name!r} is none of the protocol's calls: {type(self).__name__}")

        async def passed(session_id: str, *args: Any, **kwargs: Any) -> Any:
            outer = self._session_of(session_id).id
            return await getattr(self._client, name)(outer, *args, **kwargs)

        return passed

    def _outer(self, params: dict[str, Any]) -> dict[str, Any]:
        inner = params.get("sessionId")
        if not isinstance(inner, str):
            return params
        return {**params, "sessionId": self._session_of(inner).id}


def _ask(session: Session, tool_call: Any, options: Sequence[Any]) -> str:
    call, *choices = (
        one.model_dump(mode="json", by_alias=True, exclude_none=True)
        for one in (tool_call, *options)
    )
    title = (call.get("title") or call["toolCallId"])[:LONGEST_TITLE]
    approval_id = uuid4().hex
    try:
        session.kept.ask_approval(
            session.id, approval_id, title, detail={"tool_call": call, "options": choices}
        )
    except InvalidCall:  # a detail has 64 KiB; contents of files may have more
        short = {"toolCallId": call["toolCallId"]}
        session.kept.ask_approval(
            session.id, approval_id, title, detail={"tool_call": short, "options": choices}
        )
    return approval_id


def _decide(
    session: Session, asked: str, answer: RequestPermissionResponse, options: Sequence[Any]
) -> RequestPermissionResponse:
    """Notes an answer. What was answered first holds: somebody may have done so elsewhere."""
    chosen = getattr(answer.outcome, "option_id", None)
    kinds = {option.option_id: option.kind for option in options}
    is_allowed = kinds.get(chosen, "").startswith("allow")
    note = kinds.get(chosen, "cancelled")
    try:
        session.kept.decide_approval(
            session.id, asked, "approved" if is_allowed else "denied", by="client", note=note
        )
    except Conflict:
        state = session.kept.get_approval(session.id, asked)["state"]
        wanted = "allow" if state == "approved" else "reject"
        for option in options:
            if option.kind.startswith(wanted):
                outcome = AllowedOutcome(outcome="selected", option_id=option.option_id)
                return RequestPermissionResponse(outcome=outcome)
        return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
    return answer
