"""Who may come in. Decided from a request's head, before any of its body is read.

In this order, the first that applies:

1. `Host` must be there exactly once (400) and be `localhost`, an IP literal or a configured name
   (421). That stops DNS rebinding: a page of `evil.example`, resolved to 127.0.0.1, still sends
   its own name.
2. `Origin`, if there, must be the service's own or a configured one (403). Browsers send it with
   every write of a foreign page.
3. A preflight of a configured origin is answered; it carries no token, so it comes before 4.
4. With a token configured every path but the open ones needs it (401). `/health` is open, so that
   a supervisor can ask without a secret; it must say nothing that is one.
5. A body must be unencoded JSON, of any type that says so (415), of one unambiguous (400), small
   enough (413) length.

Ids in paths are the endpoints' own business.
"""

import re
from functools import lru_cache
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from attrs import field, frozen

from runtime import MiB
from web.http.message import Headers, Request, Response
from web.http.problem import problem

METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match, Prefer, X-Internal-Auth"
EXPOSED_HEADERS = "Durable-Seq, ETag, Location, Retry-After"

PREFLIGHT_MAX_AGE = 600
"""Seconds for which a browser may remember a preflight: Chromium caps at two hours; ten minutes
cost one extra request in a conversation, and let a changed setting take hold within a coffee."""

PREFLIGHT = (
    ("Access-Control-Allow-Methods", METHODS),
    ("Access-Control-Allow-Headers", REQUEST_HEADERS),
    ("Access-Control-Max-Age", str(PREFLIGHT_MAX_AGE)),
)

REMEMBERED = 256
"""Values of one header whose meaning is remembered: a client sends the same ones every time."""

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s,*@]+")
_JSON_SUFFIX = re.compile(r"[a-z0-9.+_-]+/[a-z0-9.+_-]+\+json")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@frozen
class Refusal:
    """Why a request does not come in. `error` says what is wrong, `hint` what would be right."""

    status: HTTPStatus
    error: str
    hint: str
    headers: tuple[tuple[str, str], ...] = ()

    def render(self) -> Response:
        return problem(self.status, f"{self.error}. {self.hint}", self.headers)


def _lower(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _origin_list(origins: frozenset[str]) -> frozenset[str]:
    for origin in origins:
        if origin.lower() != "null" and not _ORIGIN.fullmatch(origin.lower()):
            # `*` would let every page that the user visits read the user's conversations.
            raise ValueError(
                f"{origin!r} is not an origin: write scheme://host[:port] or null, and no *"
            )
    return _lower(origins)


@frozen(kw_only=True)
class Guard:
    """The rules of one service. Raises `ValueError` for an origin or name that is not one."""

    hosts: frozenset[str] = field(default=frozenset(), converter=_lower)
    """Names, without a port, beside `localhost` and IP literals."""

    origins: frozenset[str] = field(default=frozenset(), converter=_origin_list)
    """Foreign origins that are let in, exactly as browsers send them; `null` is possible."""

    token: str | None = field(default=None, repr=False)
    """What a caller must show; None asks for nothing. See `token.py`."""

    body_limit: int = 16 * MiB
    """Bytes of one body."""

    bodies_limit: int = 64 * MiB
    """Bytes of all bodies in flight: of the largest, as many as are decoded at once, and as many
    that come meanwhile. While decoded, a body takes seven times as much memory as it has bytes; one
    of a million members, twelve times. If it is less than `body_limit`, that is what it is, so that
    one always fits."""

    open_paths: frozenset[str] = frozenset({"/health", "/api/v1/health"})
    """Need no token."""

    @hosts.validator
    def _check_hosts(self, _: object, hosts: frozenset[str]) -> None:
        for host in hosts:
            if not (match := _HOST.fullmatch(host)) or match["port"]:
                raise ValueError(f"{host!r} is not a host name: write it without scheme and port")

    def check(self, request: Request) -> Response | None:
        """What to answer in the endpoint's place, if anything: a refusal, or to a preflight."""
        method, head = request.method, request.headers
        preflight = self._is_preflight(method, head)
        refusal = (
            self._check_host(head)
            or self._check_origin(head)
            or (None if preflight else self._check_token(request.path, head))
            or self._check_body(method, head)
        )
        if refusal is not None:
            return refusal.render()
        return Response(HTTPStatus.NO_CONTENT, b"", PREFLIGHT) if preflight else None

    def cors(self, request: Request) -> tuple[tuple[str, str], ...]:
        """What the answer to this request tells the browser."""
        if not self.origins:
            return ()
        origin = request.headers.get("origin") or ""
        if not self._is_configured(origin):
            return (("Vary", "Origin"),)
        return (
            ("Vary", "Origin"),
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
        )

    def _is_preflight(self, method: str, head: Headers) -> bool:
        """A browser asks whether a page of a configured origin may send its actual request."""
        return (
            method == "OPTIONS"
            and "access-control-request-method" in head
            and self._is_configured(head.get("origin") or "")
        )

    def _is_configured(self, origin: str) -> bool:
        return origin.lower() in self.origins

    def _check_host(self, head: Headers) -> Refusal | None:
        values = head.all("host")
        parsed = parse_host(values[0]) if len(values) == 1 else None
        if parsed is None:
            return Refusal(
                HTTPStatus.BAD_REQUEST,
                "The request needs exactly one valid Host header",
                "Send the host and port of the URL.",
            )
        name, _ = parsed
        if name == "localhost" or name in self.hosts or is_ip_literal(name):
            return None
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            "The service does not answer to this host name",
            "Use localhost or an IP address, or have the name configured.",
        )

    def _check_origin(self, head: Headers) -> Refusal | None:
        origins = head.all("origin")
        if not origins:
            return None
        if len(origins) == 1 and (
            self._is_configured(origins[0]) or is_same_origin(origins[0], head.all("host")[0])
        ):
            return None
        return Refusal(
            HTTPStatus.FORBIDDEN,
            "Pages of this origin may not use the service",
            "Have the origin configured (--cors-origin) if they should.",
        )

    def _check_token(self, path: str, head: Headers) -> Refusal | None:
        if self.token is None or path in self.open_paths:
            return None
        shown = [value.strip() for value in head.all("x-internal-auth")]
        for value in head.all("authorization"):
            scheme, _, credentials = value.partition(" ")
            if scheme.lower() == "bearer":
                shown.append(credentials.strip())
        expected = self.token.encode()
        # Takes as long for a nearly right token as for a wrong one.
        if any(compare_digest(expected, one.encode("utf-8", "replace")) for one in shown):
            return None
        return Refusal(
            HTTPStatus.UNAUTHORIZED,
            "A token is required" if not shown else "The token is wrong",
            "Send it as Authorization: Bearer <token>.",
            (("WWW-Authenticate", "Bearer"),),
        )

    def _check_body(self, method: str, head: Headers) -> Refusal | None:
        lengths = head.all("content-length")
        chunked = "transfer-encoding" in head
        if len(lengths) > 1 or (lengths and chunked) or not all(map(_is_length, lengths)):
            return Refusal(
                HTTPStatus.BAD_REQUEST,
                "The length of the body is ambiguous",
                "Send one Content-Length, or Transfer-Encoding: chunked.",
            )
        length = int(lengths[0]) if lengths else 0
        has_body = chunked or length > 0
        has_type = method in {"POST", "PUT", "PATCH"} and "content-type" in head
        if (has_body or has_type) and not _is_json(head):
            return Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "The body must be JSON",
                "Send it unencoded, in UTF-8, with Content-Type: application/json.",
            )
        if length > self.body_limit:
            return Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The body has {length} bytes and the limit is {self.body_limit} "
                "(--body-limit-mib)",
                "Send it in several requests.",
            )
        return None


@lru_cache(maxsize=REMEMBERED)
def parse_host(value: str) -> tuple[str, int | None] | None:
    """A `Host` header's name, in lower case, and port; None if it is not valid.

    Of IPv6 literals the brackets stay. A trailing dot stays too, and so matches no known name.
    """
    match = _HOST.fullmatch(value)
    if match is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and port > 65535:
        return None
    return match["name"].lower(), port


@lru_cache(maxsize=REMEMBERED)
def is_ip_literal(name: str) -> bool:
    """Only what is an address in itself, and in its usual form, is not looked up by anybody."""
    try:
        if name.startswith("["):
            IPv6Address(name[1:-1])
        else:
            IPv4Address(name)
    except AddressValueError:
        return False
    return True


def is_same_origin(origin: str, host: str) -> bool:
    """The page came from where its request goes; `https` if a proxy in front of us speaks it."""
    scheme, separator, authority = origin.lower().partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    ours, theirs = parse_host(host), parse_host(authority)
    if not separator or default is None or ours is None or theirs is None:
        return False
    return ours[0] == theirs[0] and (ours[1] or default) == (theirs[1] or default)


def _is_json(head: Headers) -> bool:
    types = head.all("content-type")
    codings = head.get("content-encoding") or "identity"
    return len(types) == 1 and codings.lower() == "identity" and _means_json(types[0])


@lru_cache(maxsize=REMEMBERED)
def _means_json(content_type: str) -> bool:
    """Whether it is `application/json`, or says by its suffix that it is JSON (RFC 6839)."""
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media != "application/json" and not _JSON_SUFFIX.fullmatch(media):
        return False
    named = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip('"') for name, _, value in named if name == "charset"]
    return all(charset in {"utf-8", "utf8"} for charset in charsets)


def _is_length(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= 20
