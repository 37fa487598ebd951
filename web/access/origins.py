"""Web pages that may call, by the `Origin` that their browser sends.

A page of the service itself may. Any other has to be configured, in one of these forms:

- `https://ide.example`, `http://localhost:3000`, `tauri://localhost`: exactly this origin.
- `http://localhost:*`: this host, whatever the port, also none. An editor's and a development
  server's port may be another one at every start; the host is still named.
- `vscode-webview://*`: whatever the host, where the scheme belongs to a program and not to the web.
  VS Code makes up a host for each of its views. No web site can have such an origin.
- `http://*.localhost:3000`, `http://*.localhost:*`: hosts below `localhost`, which are this
  machine. Theia makes up a host for each of its views there.
- `file://`: pages from files, as programs send it that treat all files as one origin (Electron,
  and web views that may read files). It is not what Chromium, Firefox and Safari send, which is
  `null`: and `null` is no origin but the lack of one, which every web site can have as well, by a
  sandboxed frame or a `data:` URL. So `file://` does not let `null` in, and `null` has to be said
  itself (and needs a token, see `rules`).

What would let in pages that nobody thought of is refused: `*`, `http://*`, `*://x`, and
`https://*.example.org` too. Below most names of the web others put their pages (that of VS Code's
own views there shows anybody's), and a page that comes in reads every conversation.

An origin is compared as a whole, after it was taken apart: no beginning, end or part of a text
decides anything.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from web.access.hosts import REMEMBERED, parse_host
from web.access.hosts import settings_for as host_settings_for

NULL = "null"
FILES = "file://"

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)

_DEFAULT_PORTS = {"http": 80, "https": 443}

_OF_THE_WEB = frozenset({"http", "https", "ws", "wss", "ftp"})
"""Schemes whose hosts are anybody's."""


def checked_origin(setting: str) -> str:
    """What a setting says, as browsers write it. Raises `ValueError`, which tells what is right."""
    origin = setting.lower()
    for scheme, port in _DEFAULT_PORTS.items():
        if origin.startswith(f"{scheme}://"):
            origin = origin.removesuffix(f":{port}")
    # A pattern is one if it lets in the origin that has something in place of each asterisk.
    example = origin.replace("://*", "://x", 1)
    if example.endswith(":*"):
        example = example.removesuffix("*") + "1"
    if origin not in settings_for(example):
        raise ValueError(
            f"{setting!r} is not an origin that can be let in: write scheme://host or "
            "scheme://host:port, without a path; open can be left the port (http://localhost:*), "
            "the host of a program's own scheme (vscode-webview://*), or what stands before "
            "localhost (http://*.localhost), and never everything"
        )
    return origin


@lru_cache(maxsize=REMEMBERED)
def is_configured(origin: str, settings: frozenset[str]) -> bool:
    """Whether one of the settings lets this origin in."""
    return not settings.isdisjoint(settings_for(origin))


def settings_for(origin: str) -> Iterator[str]:
    """Every setting that lets an origin in; none for what is no origin."""
    if origin.lower() in {NULL, FILES}:
        yield origin.lower()
    if (parsed := _parse(origin)) is None:
        return
    scheme, host, port = parsed
    end = "" if port == _DEFAULT_PORTS.get(scheme) else f":{port}"
    hosts = [host]
    if host.endswith(".localhost"):
        hosts = list(host_settings_for(host))
    for name in hosts:
        yield f"{scheme}://{name}{end}"
        yield f"{scheme}://{name}:*"
    if scheme not in _OF_THE_WEB and not end:
        yield f"{scheme}://*"


@lru_cache(maxsize=REMEMBERED)
def is_same_origin(origin: str, host: str) -> bool:
    """The page came from where its request goes; `https` if a proxy in front of us speaks it."""
    theirs, ours = _parse(origin), parse_host(host)
    if theirs is None or ours is None or theirs[0] not in _DEFAULT_PORTS:
        return False
    scheme, *place = theirs
    return place == [ours[0], ours[1] or _DEFAULT_PORTS[scheme]]


def _parse(origin: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port: the scheme's own one where none is written. Case means nothing."""
    # Other letters than ASCII's could become ones of ASCII when they are put into lower case.
    match = _ORIGIN.fullmatch(origin.lower()) if origin.isascii() else None
    if match is None or match["scheme"] == "file":
        return None
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS.get(match["scheme"])
    return None if port is not None and port > 65535 else (match["scheme"], match["host"], port)
