"""Requests that have to be refused by their head alone, each with the right status.

By `foreign` web pages, by `paths` that mean something to somebody else, and, of a service with a
token, by a caller who does not have it (`keys`).
"""

from attrs import frozen

from tests.faults.raw import head

MESSAGES = "/api/v1/sessions/doors/messages"
JSON = "Content-Type: application/json"
CODED = ("Content-Encoding: identity", "Content-Encoding: gzip")
EMBEDDED = ("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script")
LINKED = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")


@frozen
class Knock:
    """A request that has to be refused. With `body`, it announces one and does not send it."""

    what: str
    status: int
    method: str = "POST"
    target: str = MESSAGES
    lines: tuple[str, ...] = (JSON,)
    host: str = "localhost"
    body: bool = True

    def packet(self) -> bytes:
        announced = ("Content-Length: 1000",) if self.body else ()
        return head(self.method, self.target, *self.lines, *announced, host=self.host)


def foreign() -> list[Knock]:
    """Web pages, and what only looks like this machine."""
    page = "Origin: http://evil.example"
    return [
        Knock("DNS rebinding", 421, host="evil.example"),
        Knock("DNS rebinding with our port", 421, host="evil.example:8001"),
        Knock("a host that begins like ours", 421, host="127.0.0.1.evil.com"),
        Knock("a host that begins like localhost", 421, host="localhost.evil.com"),
        Knock("a host below localhost", 421, host="evil.localhost"),
        Knock("a host with a dot behind", 421, host="localhost."),
        Knock("a short form of an address", 421, host="127.1"),
        Knock("a number for an address", 421, host="2130706433"),
        Knock("no host", 400, host=""),
        Knock("two hosts", 400, lines=(JSON, "Host: evil.example")),
        Knock("a host with a user", 400, host="localhost@evil.example"),
        Knock("two hosts in one", 400, host="localhost, evil.example"),
        Knock("a foreign origin", 403, lines=(JSON, page)),
        Knock("a foreign origin that reads", 403, "GET", lines=(page,), body=False),
        Knock("a null origin", 403, lines=(JSON, "Origin: null")),
        Knock("our host on another port", 403, lines=(JSON, "Origin: http://localhost:3000")),
        Knock("an origin that begins like ours", 403, lines=(JSON, "Origin: http://localhost.e.c")),
        Knock("an origin of another scheme", 403, lines=(JSON, "Origin: file://localhost")),
        Knock("two origins", 403, lines=(JSON, "Origin: http://localhost", page)),
        Knock("a simple cross-site POST", 403, lines=("Content-Type: text/plain", page)),
        Knock("text/plain without an origin", 415, lines=("Content-Type: text/plain",)),
        Knock("a form", 415, lines=("Content-Type: application/x-www-form-urlencoded",)),
        Knock("a form with files", 415, lines=("Content-Type: multipart/form-data; boundary=x",)),
        Knock("a body without a type", 415, lines=()),
        Knock("a beacon's blob", 415, lines=("Content-Type: application/json, text/plain",)),
        Knock("a compressed body", 415, lines=(JSON, "Content-Encoding: gzip")),
        Knock("coded twice", 415, lines=(JSON, "Content-Encoding: identity, gzip")),
        Knock("coded in a second field", 415, lines=(JSON, *CODED)),
        *(
            Knock(
                f"embedded by a page, {site}",
                403,
                "GET",
                lines=(f"Sec-Fetch-Site: {site}", *EMBEDDED),
                body=False,
            )
            for site in ("cross-site", "same-site")
        ),
        Knock("a link to a conversation", 403, "GET", lines=LINKED, body=False),
        Knock("chunks without a type", 415, lines=("Transfer-Encoding: chunked",), body=False),
        Knock("who waits for 100 Continue", 403, lines=(JSON, page, "Expect: 100-continue")),
        Knock(
            "a preflight",
            403,
            "OPTIONS",
            lines=(page, "Access-Control-Request-Method: POST"),
            body=False,
        ),
        Knock(
            "a preflight into the private network",
            403,
            "OPTIONS",
            lines=(
                page,
                "Access-Control-Request-Method: PATCH",
                "Access-Control-Request-Headers: content-type",
                "Access-Control-Request-Private-Network: true",
            ),
            body=False,
        ),
        Knock("10 GB", 413, lines=(JSON, "Content-Length: 10000000000"), body=False),
    ]


UNREADABLE = (
    ("%ff", 400),
    ("%c0%ae%c0%ae", 400),
    ("a" * 513, 400),
    ("a" * 10_000, 400),
    ("a" * 65_536, 431),
)
"""What no session's id can be, in a path, and how that is answered."""

FORBIDDEN = ("..", "%2e%2e", ".", "%00", "a%00b", "a%0d%0aX-Evil:%201", "a%1b%5b2Jb")
"""Ids that no new session may have: they mean something to URLs, terminals and logs."""

ODD = (
    *("..%2f", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..%5c", "a%252f", "a%2500"),
    *("a%20b", "a;b", "-x", "~", "%F0%9F%98%80", "%3cscript%3e", "%27%20OR%201=1", "a" * 512),
)
"""Ids that are names like others here, whatever they mean elsewhere."""


def paths() -> list[Knock]:
    """Ids and paths that mean something to somebody else."""
    knocks = []
    for session_id, status in UNREADABLE:
        name = session_id if len(session_id) < 40 else f"of {len(session_id)} bytes"
        target = f"/api/v1/sessions/{session_id}/messages"
        knocks += [Knock(f"the id {name}", status, target=target), _read(session_id, status)]
    return [
        *knocks,
        *(_read(session_id, 404) for session_id in (*FORBIDDEN, *ODD)),
        *(
            Knock(f"the asset {name}", 404, "GET", f"/docs/assets/{name}", (), body=False)
            for name in ("..%2findex.html", "..%2f..%2f..%2f__init__.py", "%00", "index.html")
        ),
    ]


def _read(session_id: str, status: int) -> Knock:
    name = session_id if len(session_id) < 40 else f"of {len(session_id)} bytes"
    target = f"/api/v1/agents/{session_id}/current"
    return Knock(f"the id {name}, read", status, "GET", target, lines=(), body=False)


def keys(token: str) -> list[Knock]:
    """With a token configured: every way not to have it."""
    bearer = "Authorization: Bearer "
    shown = {
        "no token": (),
        "a wrong token": (bearer + "x" * len(token),),
        "its last character wrong": (bearer + token[:-1] + "Z",),
        "all but its last character": (bearer + token[:-1],),
        "one character more": (bearer + token + "z",),
        "in lower case": (bearer + token.lower(),),
        "an empty one": (bearer,),
        "no scheme": (f"Authorization: {token}",),
        "another scheme": (f"Authorization: Basic {token}",),
        "the gateway's header, nearly right": (f"X-Internal-Auth: {token[:-1]}",),
        "bytes that are no text": (bearer + "\udcff\udcfe",),
        "a cookie": (f"Cookie: token={token}",),
    }
    knocks = [Knock(what, 401, lines=(JSON, *lines)) for what, lines in shown.items()]
    knocks += [
        Knock("in the URL", 401, target=f"{MESSAGES}?{name}={token}")
        for name in ("token", "access_token", "authorization", "api_key")
    ]
    knocks += [
        Knock(f"without a token: {path}", 401, "GET", path, (), body=False)
        for path in ("/metrics", "/docs", "/openapi.json", "/api/v1/sessions", "/health/", "/x")
    ]
    return knocks
