"""Who may come in. Decided from a request's head, before any of its body is read.

In this order, the first that applies:

1. `Host` must be there exactly once (400) and be a name that the service answers to (421). Only
   `/health` is answered without one, as HAProxy asks for it, in HTTP/1.0. What says no name cannot
   be a page's that goes under a wrong one: browsers always say it.
2. `Origin`, if there, must be the service's own or a configured one (403). Browsers send it with
   every write of a page, and with everything of a foreign page that this could read.
3. Without `Origin`, no other page may have caused the request (403), which browsers tell in
   `Sec-Fetch-Site`. A page may embed anything of any site as a script or a picture: it cannot read
   that, but can measure it, and keep the service busy. `same-site` is as foreign as `cross-site`:
   another port of localhost is that, where anything may be served. Which page it was nobody tells,
   so a configured one has to use `fetch`, which sends its origin.
   One exception: a link to a page for people may be followed, in a tab and not in a frame; it shows
   nothing to where it came from. What is for programs is not reached by links.
   Browsers send the field to loopback and over HTTPS. To other addresses over plain HTTP they do
   not, and what other pages embed is told from nothing there; `SAFE` still keeps it from them.
4. A preflight of a configured origin is answered; it carries no token, so it comes before 5.
5. With a token configured every path but the open ones needs it (401). `/health` is open, so that
   a supervisor can ask without a secret; it must say nothing that is one. So are the files of the
   page at `/` (see `Api`), which asks for the token.
6. A body must be JSON (415), of one unambiguous (400), small enough (413) length.

Methods are what was sent, letter for letter: `options` is no preflight. Ids in paths are the
endpoints' own business.
"""

from hmac import compare_digest
from http import HTTPStatus

from attrs import Attribute, Factory, field, frozen

from runtime import MiB
from web.access.content import is_json, is_plain, length_of
from web.access.hosts import checked_name, is_known
from web.access.origins import NULL, checked_origin, is_configured, is_same_origin
from web.http.message import Headers, Request, Response
from web.http.problem import problem

Fields = tuple[tuple[str, str], ...]

SAFE: Fields = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""On every answer: a browser takes it for nothing but what it says it is, and no other page may
embed it. For a configured origin, too: its `fetch` is judged by CORS alone, not by this."""

REQUEST_HEADERS = (
    "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID, Turn, Prefer, "
    "traceparent, baggage, sentry-trace, X-Request-ID, Cache-Control, X-Internal-Auth"
)
"""What pages may send: the API's own, what tracing libraries add to every request that they see,
and what `EventSource` and its replacements send."""

EXPOSED_HEADERS = "ETag, Durable-Seq, Location, Retry-After"

PREFLIGHT_MAX_AGE = 600
"""Seconds for which a browser may remember a preflight: Chromium caps at two hours; ten minutes
cost one extra request in a conversation, and let a changed setting take hold within a coffee."""

PREFLIGHT = Response(
    HTTPStatus.NO_CONTENT,
    headers=(
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", REQUEST_HEADERS),
        ("Access-Control-Max-Age", str(PREFLIGHT_MAX_AGE)),
    ),
)
"""Nothing about private networks: browsers that ask have never waited for an answer, and those of
today ask their user instead (Local Network Access)."""

_OF_NO_OTHER_PAGE = frozenset({"same-origin", "none"})
"""Of `Sec-Fetch-Site`: our own page's, or the user's, who typed the address."""


def refusal(status: HTTPStatus, error: str, hint: str, *headers: tuple[str, str]) -> Response:
    """Why a request does not come in: what is wrong with it, and what would be right."""
    return problem(status, f"{error}. {hint}", headers)


def _checked_names(settings: frozenset[str]) -> frozenset[str]:
    return frozenset(map(checked_name, settings))


def _checked_origins(settings: frozenset[str]) -> frozenset[str]:
    return frozenset(map(checked_origin, settings))


@frozen(kw_only=True)
class Guard:
    """The rules of one service. Raises `ValueError` for an origin or name that cannot be let in."""

    hosts: frozenset[str] = field(default=frozenset(), converter=_checked_names)
    """Names, without a port, beside `localhost` and IP literals; and `*.name`. See `hosts.py`."""

    origins: frozenset[str] = field(default=frozenset(), converter=_checked_origins)
    """Foreign origins that are let in, as browsers send them; parts may be open, see `origins.py`.
    `null` is possible with a token."""

    token: str | None = field(default=None, repr=False)
    """What a caller must show; None asks for nothing. See `token.py`."""

    body_limit: int = 16 * MiB
    """Bytes. What a head announces is judged here; what comes without being announced is counted
    by whoever receives it, against the same limit."""

    bodies_limit: int = 64 * MiB
    """Bytes of all bodies in flight: of the largest, as many as are decoded at once, and as many
    that come meanwhile. While decoded, a body takes seven times as much memory as it has bytes; one
    of a million members, twelve times. If it is less than `body_limit`, that is what it is, so that
    one always fits. In a blueprint only what was received counts: what waits to be, the app around
    it holds."""

    open_paths: frozenset[str] = frozenset({"/health", "/api/v1/health"})
    """Need no token."""

    nameless_paths: frozenset[str] = frozenset({"/health", "/api/v1/health"})
    """Need no `Host`."""

    pages: frozenset[str] = frozenset({"/", "/docs", "/api/v1/docs"})
    """For people, who may come by a link."""

    _always: Fields = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: (*SAFE, ("Vary", "Origin")) if self.origins else SAFE, takes_self=True
        ),
    )

    @origins.validator
    def _check_null(self, _: "Attribute[frozenset[str]]", origins: frozenset[str]) -> None:
        if NULL in origins and self.token is None:
            raise ValueError(
                "'null' is not an origin that can be let in without a token: every web page can "
                "send it, from a sandboxed frame; configure a token (--token-file), or serve the "
                "page from an origin of its own"
            )

    def check(self, request: Request) -> Response | None:
        """A refusal, or the answer to a preflight; `None`: the request comes in.

        As with every answer, what `cors` says goes with it.
        """
        headers = request.headers
        refused = self._check_host(request) or self._check_page(request)
        if refused is not None:
            return refused
        if request.method == "OPTIONS" and self._is_preflight(headers):
            return PREFLIGHT
        return self._check_token(request) or self._check_body(request.method, headers)

    def cors(self, request: Request) -> Fields:
        """What every answer to this request tells the browser: `SAFE`, and who may read it."""
        origins = request.headers.all("origin")
        if not origins or len(origins) > 1 or not is_configured(origins[0], self.origins):
            return self._always
        return (
            *self._always,
            ("Access-Control-Allow-Origin", origins[0]),
            ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
        )

    def _is_preflight(self, headers: Headers) -> bool:
        """A browser asks whether a page of a configured origin may send its actual request."""
        origins = headers.all("origin")
        return (
            "access-control-request-method" in headers
            and len(origins) == 1
            and is_configured(origins[0], self.origins)
        )

    def _check_host(self, request: Request) -> Response | None:
        hosts = request.headers.all("host")
        if not hosts and request.path in self.nameless_paths:
            return None
        known = is_known(hosts[0], self.hosts) if len(hosts) == 1 else None
        if known:
            return None
        if known is None:
            return refusal(
                HTTPStatus.BAD_REQUEST,
                "The request needs exactly one valid Host header",
                "Send the host and port of the URL.",
            )
        return refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            "The service does not answer to this host name",
            "Use localhost or an IP address, or have the name configured (--allow-host).",
        )

    def _check_page(self, request: Request) -> Response | None:
        headers = request.headers
        origins = headers.all("origin")
        if origins:
            if len(origins) == 1 and (
                is_configured(origins[0], self.origins)
                or is_same_origin(origins[0], headers.get("host") or "")
            ):
                return None
            return refusal(
                HTTPStatus.FORBIDDEN,
                "Pages of this origin may not use the service",
                "Have the origin configured (--cors-origin) if they should.",
            )
        site = headers.get("sec-fetch-site")
        if site is None or site in _OF_NO_OTHER_PAGE or self._follows_a_link(request):
            return None
        return refusal(
            HTTPStatus.FORBIDDEN,
            "Another page's request, without its origin, may not use the service",
            "Type the address itself; or have the page's origin configured (--cors-origin) and let "
            "it use fetch() in the mode cors.",
        )

    def _follows_a_link(self, request: Request) -> bool:
        """The user goes to one of our pages, in a tab of its own."""
        return (
            request.method == "GET"
            and request.path in self.pages
            and request.headers.get("sec-fetch-mode") == "navigate"
            and request.headers.get("sec-fetch-dest") == "document"
        )

    def _check_token(self, request: Request) -> Response | None:
        if self.token is None or request.path in self.open_paths:
            return None
        shown = [value.strip() for value in request.headers.all("x-internal-auth")]
        for value in request.headers.all("authorization"):
            scheme, _, credentials = value.partition(" ")
            if scheme.lower() == "bearer":
                shown.append(credentials.strip())
        expected = self.token.encode()
        # Takes as long for a nearly right token as for a wrong one.
        if any(compare_digest(expected, one.encode("utf-8", "replace")) for one in shown):
            return None
        return refusal(
            HTTPStatus.UNAUTHORIZED,
            "A token is required" if not shown else "The token is wrong",
            "Send it as Authorization: Bearer <token>.",
            ("WWW-Authenticate", "Bearer"),
        )

    def _check_body(self, method: str, headers: Headers) -> Response | None:
        length = length_of(headers)
        if length is None:
            return refusal(
                HTTPStatus.BAD_REQUEST,
                "The length of the body is ambiguous",
                "Send one Content-Length, or Transfer-Encoding: chunked.",
            )
        types = headers.all("content-type")
        if length or (types and method in {"POST", "PUT", "PATCH"}):
            if len(types) != 1 or not is_json(types[0]):
                return refusal(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "The body must be JSON",
                    "Send it in UTF-8, with Content-Type: application/json, or another type of "
                    "application/ that ends with +json.",
                    ("Accept", "application/json, application/merge-patch+json"),
                )
            if not is_plain(headers.all("content-encoding")):
                return refusal(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "The body must not be encoded",
                    "Send it as it is, without Content-Encoding.",
                    ("Accept-Encoding", "identity"),
                )
        if length > self.body_limit:
            return refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The body has {length} bytes and the limit is {self.body_limit} "
                "(--body-limit-mib)",
                "Send it in several requests.",
            )
        return None
