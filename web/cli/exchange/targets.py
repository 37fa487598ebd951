"""What takes a part of a log: a runtime of our own, or a service that is asked over HTTP."""

from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec
import trio
from attrs import field, frozen

from runtime import CallerError, Runtime
from web.cli.exchange.parts import Part
from web.problems import CannotAsk

TIMEOUT = 120.0
"""Seconds for an answer: a part is on disk by then, or something is wrong."""

TRIES = 5
"""How often a part is sent when the service asks to send it later."""


class Refused(Exception):
    """The part was not taken; the message says why."""


class Target(Protocol):
    """Takes parts."""

    async def take(self, part: Part, session_id: str) -> tuple[int, bool]:
        """Returns how many entries were not there before, and whether the session was not.

        Raises `Refused`, `CannotAsk`, `StoreError`.
        """


@frozen(eq=False)
class Own:
    """A runtime in this process."""

    _runtime: Runtime

    async def take(self, part: Part, session_id: str) -> tuple[int, bool]:
        try:
            done = await self._runtime.session(session_id).import_log(part.log)
        except CallerError as error:
            raise Refused(part.in_file(str(error))) from None
        return done.applied, done.began


class _Answer(msgspec.Struct):
    applied: int = 0
    version: int = 0
    error: str = ""


@frozen(eq=False)
class Service:
    """A service that runs."""

    url: str
    _token: str | None = field(repr=False)

    async def take(self, part: Part, session_id: str) -> tuple[int, bool]:
        for left in reversed(range(TRIES)):
            status, answer, wait = await trio.to_thread.run_sync(
                partial(self._ask, part, session_id)
            )
            if status in (429, 503) and left:
                await trio.sleep(wait)  # sent again, it has one effect
                continue
            if status not in (200, 201):
                raise Refused(part.in_file(answer.error or f"the service answered {status}"))
            return answer.applied, answer.applied == answer.version
        raise AssertionError("the last try returns or raises")

    def _ask(self, part: Part, session_id: str) -> tuple[int, _Answer, float]:
        found = urlsplit(self.url)
        make = HTTPSConnection if found.scheme == "https" else HTTPConnection
        headers = {"Content-Type": "application/jsonl"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        path = f"{found.path.rstrip('/')}/api/v1/import?session_id={quote(session_id, safe='')}"
        try:
            connection = make(found.netloc, timeout=TIMEOUT)
            try:
                connection.request("POST", path, part.text, headers)
                response = connection.getresponse()
                text = response.read()
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            raise CannotAsk(
                f"{self.url} does not answer: {error or type(error).__name__}",
                "Is the service running? It says its address when it starts. What was taken "
                "stands, and the same command again goes on from there",
            ) from error
        try:
            answer = msgspec.json.decode(text, type=_Answer)
        except msgspec.MsgspecError:
            answer = _Answer(error=f"{self.url} is no agent-runtime: it answered {response.status}")
        wait = response.headers.get("Retry-After", "1")
        return response.status, answer, float(wait) if wait.isdigit() else 1.0
