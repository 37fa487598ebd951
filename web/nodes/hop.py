"""A request between nodes, a *hop*: how it differs from a client's, and how it is known.

Two fields of its head make it one, and are looked at only where there are nodes:

- `Agent-Runtime-Node` is the token that all nodes have and clients do not. With the right one the
  rules of `web.access` are skipped: the entry has applied them. With a wrong one, or none, it is
  refused before anything else is looked at.
- `Agent-Runtime-For` is the session because of which this node is asked, percent-encoded; or `*`,
  which is no encoded id: the node itself.

A hop is never passed on, so there are no loops. Where the session is not here the answer is 421,
with the session that is not in `Agent-Runtime-For`: it may be another one than the path names, as
the target of a fork is.
"""

import re
from collections.abc import Iterable
from hmac import compare_digest
from http import HTTPStatus

from attrs import frozen

from runtime import NotHere
from web.call.paths import said, segment
from web.call.problems import Refused
from web.http.message import Headers, Request, Response
from web.http.problem import problem

NODE = "Agent-Runtime-Node"
FOR = "Agent-Runtime-For"
_NODE, _FOR = NODE.lower(), FOR.lower()

THE_NODE = "*"
"""Instead of a session."""

_LEFT_OUT = frozenset(
    {
        # What holds for one connection only (RFC 9110 7.6.1), and what is said anew.
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "http2-settings", "expect", "host", "content-length"),
        # What the rules have judged: the owner has no use for a client's secrets.
        *("authorization", "x-internal-auth", "proxy-authorization", "cookie"),
        *("origin", "access-control-request-method", "access-control-request-headers"),
        *("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user"),
        *(_NODE, _FOR),
    }
)

_SERVERS_OWN = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", _FOR}
)
"""What the entry's server says of an answer itself."""

_TARGET = re.compile(r"[!\x22$-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUES = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What our own parser lets pass. Behind another server it could be more, such as a line break, with
which one field would become two."""


@frozen
class Hop:
    """What a request of another node is about."""

    session_id: str | None
    """Because of which this node is asked; `None`: the node itself is."""


def hop_of(request: Request, token: str) -> Hop | None:
    """What another node wants; `None`: a client asks. Raises `Refused` for one without the token.

    And `InvalidInput`, for a session that is none.
    """
    shown, about = request.headers.all(_NODE), request.headers.all(_FOR)
    if not shown and not about:
        return None
    # Takes as long for a nearly right token as for a wrong one.
    if len(shown) != 1 or not compare_digest(token.encode(), shown[0].encode("latin-1", "replace")):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"{NODE} and {FOR} are for nodes that share a store, and this request does not have "
            "their token: leave them out; or give all nodes the same --node-token-file",
        )
    if len(about) != 1:
        raise Refused(HTTPStatus.BAD_REQUEST, f"{FOR} has to be there once")
    return Hop(None if about[0] == THE_NODE else said(about[0], "session_id"))


def not_here(error: NotHere) -> Response:
    """What a node is answered that has asked the wrong one."""
    about = (FOR, segment(error.session_id))
    retry = ("Retry-After", "1")
    return problem(HTTPStatus.MISDIRECTED_REQUEST, str(error), (about, retry))


def missing_in(status: int, headers: Headers) -> str | None:
    """The session that the answer to a hop says is not there; `None`: it is no such answer."""
    if status != HTTPStatus.MISDIRECTED_REQUEST:
        return None
    about = headers.get(_FOR)
    return None if about is None else said(about, "session_id")


def head_of(
    request: Request,
    address: str,
    token: str,
    session_id: str | None,
    length: int | None,
) -> bytes:
    """The head with which a client's request is passed on to the node at `address`.

    `length`: bytes of its body, `None`: it has none. Raises `Refused` for what no head can say.
    """
    dropped = _dropped(request.headers)
    # The answer to GET is that to HEAD, with its length; the entry's server leaves the body out.
    method = "GET" if request.method == "HEAD" else request.method
    # All nodes are mounted at one place, as whatever is in front of them has one path for all.
    target = request.root + request.path
    if request.query:
        target += f"?{request.query}"
    about = THE_NODE if session_id is None else segment(session_id)
    passed = [(name, value) for name, value in request.headers if name not in dropped]
    if not (
        _TARGET.fullmatch(target)
        and all(_NAME.fullmatch(name) for name, _ in passed)
        and _VALUES.fullmatch("".join([value for _, value in passed]))
    ):
        raise Refused(HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1")
    fields = "".join([f"{name}: {value}\r\n" for name, value in passed])
    if length is not None:
        fields += f"content-length: {length}\r\n"
    ours = f"host: {address}\r\n{_NODE}: {token}\r\n{_FOR}: {about}\r\n"
    return f"{method} {target} HTTP/1.1\r\n{ours}{fields}\r\n".encode("latin-1")


def passed_back(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Of the fields of an answer those that are for the client."""
    return tuple((name, value) for name, value in headers if name.lower() not in _SERVERS_OWN)


def _dropped(headers: Headers) -> frozenset[str]:
    options = headers.get("connection")
    if options is None:
        return _LEFT_OUT
    return _LEFT_OUT | {word.strip().lower() for word in options.split(",")}
