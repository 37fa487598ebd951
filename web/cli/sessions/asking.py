"""A running service is asked over HTTP: it owns its database, so only it can write.

By the standard library's client: a command sends one request and ends. Not by `urllib`, which sends
what it is given through a proxy that the environment names, and on to where an answer points: the
token would go along.
"""

import json
import ssl
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPSConnection,
    IncompleteRead,
)
from typing import Any
from urllib.parse import quote, urlsplit

import click
from attrs import field, frozen

from runtime import MINUTES, SECONDS
from web.api.routes import PREFIX
from web.cli.text import line
from web.problems import CannotAsk

CONNECTING = 5 * SECONDS
"""For a connection: a service that is up takes milliseconds."""

ANSWERING = 2 * MINUTES
"""For an answer: a disk that stands still is waited for, and so is a fork of a long session."""

LARGEST = 1 << 20
"""Bytes of an answer that are looked at: a session's header has 64 KiB of metadata at most."""

_FORM = "Write http://HOST:PORT, as the service said when it started"


class NoAnswer(Exception):
    """The service was asked, and what became of that is unknown."""


@frozen
class Said:
    """An answer."""

    status: int
    text: bytes
    retry_after: str | None

    @property
    def is_done(self) -> bool:
        """Whether what was asked for is done."""
        return 200 <= self.status < 300


@frozen
class Service:
    """A service that runs somewhere."""

    _is_https: bool
    _host: str
    _port: int | None
    _path: str
    """In front of the paths of its calls."""
    _token: str | None = field(repr=False)

    @classmethod
    def at(cls, url: str, token: str | None) -> "Service":
        """The service at this address. Raises `CannotAsk`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise CannotAsk(f"--url: {error}", _FORM) from None
        # The URL is not quoted: somebody may have written a secret into it.
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CannotAsk("--url is not the address of a service", _FORM)
        if parts.username is not None or parts.password is not None:
            raise CannotAsk("--url has a user in it", "A token is read from --token-file")
        if parts.query or parts.fragment:
            raise CannotAsk("--url has more than an address", _FORM)
        return cls(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"), token)

    def post(self, session_id: str, call: str, body: object) -> dict[str, Any]:
        """What the service answers to a call of one session.

        Raises `CannotAsk`, and `click.ClickException` with what the service says if it refuses.
        """
        path = f"/sessions/{quote(session_id, safe='')}/{call}"
        try:
            return self._told(self.ask(path, json.dumps(body).encode()))
        except NoAnswer as error:
            raise click.ClickException(
                f"{error}: whether it was done is unknown. `agent-runtime show` and "
                "`agent-runtime sessions` tell"
            ) from error

    def ask(self, path: str, body: bytes, content_type: str = "application/json") -> Said:
        """What the service says to what is posted. Raises `CannotAsk`, `NoAnswer`."""
        return self._asked("POST", path, body, {"Content-Type": content_type})

    def look(self, path: str) -> Said:
        """What the service has there. Raises `CannotAsk`, `NoAnswer`."""
        return self._asked("GET", path, None, {})

    def _asked(self, method: str, path: str, body: bytes | None, head: dict[str, str]) -> Said:
        if self._token is not None:
            head["Authorization"] = f"Bearer {self._token}"
        connection = self._connected()
        try:
            # Sent as one piece, so what fails here has not been asked as a whole.
            connection.request(method, f"{self._path}{PREFIX}{path}", body, head)
            answer = connection.getresponse()
            text = answer.read(LARGEST)
            if answer.length and len(text) < LARGEST:
                raise IncompleteRead(text)
        except (OSError, HTTPException) as error:
            raise NoAnswer(
                f"{self._name} was asked, and gave no answer ({line(str(error)) or 'cut off'})"
            ) from error
        finally:
            connection.close()
        return Said(answer.status, text, answer.getheader("Retry-After"))

    def refusal(self, said: Said) -> str:
        """Why the service refuses. Raises `CannotAsk` if that is not how it talks."""
        told = self._object(said)
        reason = line(str(told.get("detail")))
        if said.status == 401:
            reason += ". Give the token: --token-file FILE, or AGENT_RUNTIME_TOKEN"
        return reason

    @property
    def _name(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        port = "" if self._port is None else f":{self._port}"
        return f"http{'s' * self._is_https}://{host}{port}{self._path}"

    def _connected(self) -> HTTPConnection:
        connection = (
            HTTPSConnection(
                self._host,
                self._port,
                timeout=CONNECTING,
                context=ssl.create_default_context(),
            )
            if self._is_https
            else HTTPConnection(self._host, self._port, timeout=CONNECTING)
        )
        try:
            connection.connect()
        except OSError as error:
            raise CannotAsk(
                f"{self._name} cannot be reached: {error}",
                "Is the service running? It says its address when it starts",
            ) from error
        connection.sock.settimeout(ANSWERING)
        return connection

    def _told(self, said: Said) -> dict[str, Any]:
        if said.is_done:
            return self._object(said)
        raise click.ClickException(self.refusal(said))

    def _object(self, said: Said) -> dict[str, Any]:
        try:
            told = json.loads(said.text)
        except ValueError:
            told = None
        if not isinstance(told, dict) or not ("session_id" in told or "detail" in told):
            raise CannotAsk(
                f"{self._name} answered {said.status}, and not as this service does", _FORM
            )
        return told
