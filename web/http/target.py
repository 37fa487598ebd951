"""What a request is about: the forms of a target, and what can be the name of a host.

RFC 9112, 3.2. A path is taken as it is. The absolute form, which is meant for proxies but which
every server must take, names a host that stands above the `Host` of the head.
"""

import re

from attrs import frozen

_LABEL = r"[A-Za-z0-9_~!$&'()*+;=%-]{1,63}"

_HOST = re.compile(rf"(?:\[[0-9A-Fa-f:.]{{2,45}}\]|{_LABEL}(?:\.{_LABEL})*\.?)?(?::[0-9]*)?")
"""A name, or an address, and perhaps a port; it may be empty. What has an empty label, or one of
more than 63 characters, is no name, and more than one library fails on it. With a comma it would be
two names to who takes the field for a list, as HAProxy's `hdr(host)` does."""

_ABSOLUTE = re.compile(r"https?://([^/?#@]+)(/[^?]*)?(?:\?(.*))?", re.IGNORECASE)


@frozen
class Target:
    path: str
    query: str
    host: str | None = None
    """What stands above the head's own."""


def is_host(text: str) -> bool:
    """Whether this can stand in a `Host` header."""
    return _HOST.fullmatch(text) is not None


def parse_target(method: str, text: str) -> Target | None:
    """What a target that is no plain path asks for; `None`: nothing that is answered here."""
    if text == "*" and method == "OPTIONS":
        return Target("*", "")
    absolute = _ABSOLUTE.fullmatch(text)
    if absolute is None:
        return None
    host, path, query = absolute.groups()
    return Target(path or "/", query or "", host) if is_host(host) else None
