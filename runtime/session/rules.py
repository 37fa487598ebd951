"""What ids, names and keys may look like: each rule once, for REST, embedded and stored values.

Every function raises `InvalidInput`, naming the value, the rule, and the limit.
"""

import re
from datetime import date

from runtime.errors import InvalidInput

MAX_SESSION_ID = 512
"""Bytes of UTF-8: what a URL segment carries through every proxy, percent-encoded three times as
long, and what a path of a framework's own ids needs."""

MAX_RECORD_KEY = 512
"""Bytes of UTF-8. Frameworks join ids and namespaces into keys; the longest seen has 300."""

MAX_KEY = 256
"""Characters of a message's id, or a call's: room for any UUID or hash with a prefix."""

MAX_ROLE = 64
"""Characters."""

MAX_AGENT = 128
"""Characters."""

MAX_NAME = 256
"""Characters of who holds a turn, or decides: room for an address, or a path, and a number."""

MAX_TITLE = 512
"""Characters: a line in a list."""

MAX_REASON = 4 * 1024
"""Bytes of UTF-8 of a switch's reason: every answer about the agent shows all reasons. Also of a
note, and of what came of a turn."""

MAX_METADATA = 64 * 1024
"""Bytes of JSON of a session's metadata: lists and headers show it, and it is rewritten whole."""

MAX_SMALL_BODY = 4 * MAX_METADATA
"""Bytes of JSON of an entry whose body is no content: a patch of all metadata, as widely spaced and
escaped as programs write it. What is longer is refused before it is decoded."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_session_id(session_id: object) -> str:
    """Any id that a session may have, as a URL's segment can carry it."""
    if not isinstance(session_id, str) or not 0 < _size(session_id, "session id") <= MAX_SESSION_ID:
        raise InvalidInput(f"session id: must be text of 1 to {MAX_SESSION_ID} bytes of UTF-8")
    return session_id


def check_new_session_id(session_id: object) -> str:
    """An id that a session may be given; one that was taken over may have others."""
    checked = check_session_id(session_id)
    if _CONTROL.search(checked):
        raise InvalidInput("session id: a new one must not have control characters")
    if checked in (".", ".."):
        raise InvalidInput("session id: '.' and '..' are taken: URLs give them another meaning")
    return checked


def check_name(name: object, where: str, limit: int = MAX_NAME) -> str:
    """A name of so many characters at most, on one line: who does something, by default."""
    if not isinstance(name, str) or not 0 < len(name) <= limit or _CONTROL.search(name):
        raise InvalidInput(
            f"{where}: must be text of 1 to {limit} characters, none a control character"
        )
    _size(name, where)
    return name


def check_agent(name: object, where: str = "agent") -> str:
    """The name of an agent."""
    return check_name(name, where, MAX_AGENT)


FIRST_DAY, LAST_DAY = "0000-01-01", "9999-12-31"
"""Between them lies every day that a moment can be of."""


def check_day(day: str | None, where: str) -> str | None:
    """A day, as moments begin with it, in UTC; `None` is none."""
    if day is None:
        return None
    if not _DAY.fullmatch(day):
        raise InvalidInput(f"{where}: must be a day in UTC, as 2025-12-31: usage is summed by day")
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise InvalidInput(f"{where}: there is no day {day}") from error
    return day


def check_seconds(seconds: object, where: str, least: float, most: float) -> float:
    """A span of time, in its shortest form: 60 and 60.0 are the same."""
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not least <= seconds <= most
    ):
        raise InvalidInput(f"{where}: must be a number of seconds from {least:g} to {most:.0f}")
    return int(seconds) if seconds == int(seconds) else seconds


def check_reason(reason: object, where: str = "reason") -> str:
    """Why an agent was switched, or something else was done."""
    if not isinstance(reason, str) or _size(reason, where) > MAX_REASON:
        raise InvalidInput(f"{where}: must be text of at most {MAX_REASON} bytes of UTF-8")
    return reason


def check_title(title: object) -> str | None:
    """A session's title."""
    if title is None:
        return None
    if not isinstance(title, str) or len(title) > MAX_TITLE:
        raise InvalidInput(f"title: must be text of at most {MAX_TITLE} characters, or null")
    _size(title, "title")
    return title


def check_role(role: object) -> str:
    """A message's role: any text, for every agent has roles of its own."""
    if not isinstance(role, str):
        raise InvalidInput(
            'role: a message must have one, as text, like {"role": "user", "content": "Hello"}'
        )
    if not 0 < len(role) <= MAX_ROLE:
        raise InvalidInput(f"role: must have 1 to {MAX_ROLE} characters")
    return role


def check_key(key: object, where: str = "id") -> str:
    """The client's own id of an entry or a call."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY:
        raise InvalidInput(f"{where}: must be text of 1 to {MAX_KEY} characters")
    _size(key, where)
    return key


def check_record_key(key: object, where: str = "key") -> str:
    """A record's key."""
    if not isinstance(key, str) or not 0 < _size(key, where) <= MAX_RECORD_KEY:
        raise InvalidInput(f"{where}: must be text of 1 to {MAX_RECORD_KEY} bytes of UTF-8")
    if "\0" in key:
        raise InvalidInput(f"{where}: must not have the character U+0000")
    return key


def check_metadata(metadata: bytes) -> bytes:
    """A session's metadata, encoded."""
    if len(metadata) > MAX_METADATA:
        raise InvalidInput(
            f"metadata: {len(metadata)} bytes of JSON, and the limit is {MAX_METADATA}; "
            "records hold more"
        )
    return metadata


def check_small_body(body: bytes, where: str) -> None:
    """The body, as JSON, of an entry that is no content, or the metadata in it."""
    if len(body) > MAX_SMALL_BODY:
        raise InvalidInput(
            f"{where}: {len(body)} bytes of JSON as sent, and the limit is {MAX_SMALL_BODY}; "
            "records hold more"
        )


def _size(text: str, where: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"{where}: has a lone surrogate, which is no character") from None
