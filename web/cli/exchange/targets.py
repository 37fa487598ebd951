"""What takes a part of a log: a runtime of our own, or a service that is asked over HTTP."""

from typing import Protocol
from urllib.parse import quote

import msgspec
import trio
from attrs import frozen

from runtime import CallerError, Runtime
from web.cli.exchange.parts import Part
from web.cli.sessions.asking import NoAnswer, Service

TRIES = 5
"""How often a part is sent where the service asks to send it later, or does not answer."""

PAUSE = 1.0
"""Seconds between two tries, where the service does not say."""

LINES = "application/jsonl"


class Refused(Exception):
    """The part was not taken; the message says why."""


class Target(Protocol):
    """Takes parts."""

    async def began(self, session_id: str) -> str | None:
        """When the session began, if it is there. Raises `Refused`, `CannotAsk`, `StoreError`."""

    async def take(self, part: Part, session_id: str) -> tuple[int, bool]:
        """Returns how many entries were not there before, and whether the session was not.

        Raises `Refused`, `CannotAsk`, `StoreError`.
        """


@frozen(eq=False)
class Own:
    """A runtime in this process."""

    _runtime: Runtime

    async def began(self, session_id: str) -> str | None:
        try:
            return (await self._runtime.session(session_id).summary()).created_at
        except CallerError:  # it is not there, or no id: the first part says what is wrong
            return None

    async def take(self, part: Part, session_id: str) -> tuple[int, bool]:
        try:
            done = await self._runtime.session(session_id).import_log(part.log)
        except CallerError as error:
            raise Refused(part.in_file(str(error))) from None
        return done.applied, done.began


class _Header(msgspec.Struct):
    created_at: str


class _Answer(msgspec.Struct):
    applied: int
    version: int


@frozen(eq=False)
class Running:
    """A service that runs."""

    _service: Service

    async def began(self, session_id: str) -> str | None:
        path = f"/sessions/{quote(session_id, safe='')}"
        try:
            said = await trio.to_thread.run_sync(self._service.look, path)
        except NoAnswer as error:
            raise Refused(str(error)) from error
        if not said.is_done:  # of what is wrong with the token, or the id, the first part tells
            return None
        return msgspec.json.decode(said.text, type=_Header).created_at

    async def take(self, part: Part, session_id: str) -> tuple[int, bool]:
        path = f"/import?session_id={quote(session_id, safe='')}"
        for left in reversed(range(TRIES)):
            try:
                said = await trio.to_thread.run_sync(self._service.ask, path, part.text, LINES)
            except NoAnswer as error:
                if not left:
                    raise Refused(f"{error}; sent again, it has one effect") from error
                await trio.sleep(PAUSE)
                continue
            if said.status not in (429, 503) or not left:
                break
            await trio.sleep(_seconds(said.retry_after))  # sent again, it has one effect
        if not said.is_done:
            raise Refused(part.in_file(self._service.refusal(said)))
        answer = msgspec.json.decode(said.text, type=_Answer)
        return answer.applied, answer.applied == answer.version


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else PAUSE
