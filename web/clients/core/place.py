"""Where the service is, and what lets a caller in."""

import os
from urllib.parse import urlsplit

from attrs import field, frozen

from web.clients.errors import AgentRuntimeError

URL = "AGENT_RUNTIME_URL"
TOKEN = "AGENT_RUNTIME_TOKEN"  # noqa: S105 -- the variable's name

USUAL = "http://127.0.0.1:8001"
"""Where `agent-runtime serve` listens if nothing else is said."""


@frozen
class Place:
    """A service's address and the token for it."""

    url: str
    """Without a slash at the end."""
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str | None = None, token: str | None = None) -> "Place":
        """What was given, else what the environment says. Raises `AgentRuntimeError`."""
        said = url or os.environ.get(URL) or USUAL
        parts = urlsplit(said)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise AgentRuntimeError(
                f"{said!r} is no address of a service: give one like {USUAL}, or set {URL}"
            )
        if parts.query or parts.fragment:
            raise AgentRuntimeError(f"{said!r}: an address has neither query nor fragment")
        return cls(said.rstrip("/"), token or os.environ.get(TOKEN) or None)

    @property
    def headers(self) -> dict[str, str]:
        """What each request to it carries."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
