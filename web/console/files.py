"""The page's files, as answers: they are sent as they are, with an ETag and a policy.

No Quart is needed for them: most services are asked for nothing else that it would have to be
imported for. They hold nothing of anybody, so they are open where a token is needed: it is the page
that asks for it, and a browser has no way of sending one with an address that is typed.
"""

from hashlib import blake2b
from pathlib import Path

import trio
from attrs import define, field, frozen

from web.call.tags import Tags
from web.http.message import Request, Response

PAGE = "/"
FOLDER = "/console/"
"""Below it are all files that the page loads. The page names them from where it is itself, so it
can be mounted anywhere."""

METHODS = ("GET", "HEAD")
ALLOW = ", ".join((*METHODS, "OPTIONS"))

_HERE = Path(__file__).with_name("page")
_INDEX = "index.html"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

NAMES = {
    PAGE if file.name == _INDEX else FOLDER + file.name: file.name
    for file in sorted(_HERE.iterdir())
    if file.suffix in _TYPES
}
"""Of each path, the file. Only what is listed here is ever opened, whatever a path says."""

PATHS = frozenset(NAMES)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # pictures within messages; the page lets in no other kind
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # Text cannot become markup by any call of the browser, whoever writes the next module.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

_ALWAYS = (
    # A new version of the service is seen at once; what is the same costs a 304.
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
)


@frozen
class _Read:
    """A file that was read."""

    body: bytes
    tag: str
    type: str


@define(eq=False)
class Page:
    """The files of one service. Each is read when it is first asked for, and kept."""

    _read: dict[str, _Read] = field(factory=dict)

    async def answer(self, request: Request) -> Response:
        """The file of one of `PATHS`, or a 304; to a method of `METHODS`."""
        name = NAMES[request.path]
        found = self._read.get(name)
        if found is None:
            body = await trio.to_thread.run_sync((_HERE / name).read_bytes)
            tag = blake2b(body, digest_size=12).hexdigest()
            found = self._read[name] = _Read(body, tag, _TYPES[Path(name).suffix])
        headers = (("ETag", f'"{found.tag}"'), *_ALWAYS)
        known = request.headers.get("if-none-match")
        if known is not None and Tags.of(known).name(found.tag):
            return Response(304, b"", headers)
        return Response(200, found.body, (("Content-Type", found.type), *headers))
