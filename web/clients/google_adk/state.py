"""A state's keys as records: each key one record, so a delta is merged by being written."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from attrs import field, frozen
from google.adk.sessions import State

from web.clients.calls.shapes import NewRecord, Record
from web.clients.google_adk.places import NAME
from web.clients.shared.carrying import brought, carried

MARK = f"{NAME}.state"
"""The key of a session's mark: when it was last changed, in seconds. It is written with each event,
so its number tells a writer whether the session is still as that writer knows it."""

_BEGIN = f"{MARK}/"
"""Begins the key of a state's key. Not as events' keys begin, so that they are read apart."""

_LONGEST = 512
"""Bytes of UTF-8 that a record's key may have."""


@frozen
class Delta:
    """Changes of a state, by who shares it. The names are without their prefixes.

    Names and values are as JSON has them.
    """

    app: dict[str, Any] = field(factory=dict)
    user: dict[str, Any] = field(factory=dict)
    own: dict[str, Any] = field(factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Delta":
        """The same changes apart. What begins with `temp:` is left out: it is never kept."""
        found = cls()
        for name, value in state.items():
            if name.startswith(State.APP_PREFIX):
                found.app[name.removeprefix(State.APP_PREFIX)] = value
            elif name.startswith(State.USER_PREFIX):
                found.user[name.removeprefix(State.USER_PREFIX)] = value
            elif not name.startswith(State.TEMP_PREFIX):
                found.own[name] = value
        return found


def whole(
    app: Mapping[str, Any], user: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """The state that an agent sees."""
    return {
        **own,
        **{f"{State.APP_PREFIX}{name}": value for name, value in app.items()},
        **{f"{State.USER_PREFIX}{name}": value for name, value in user.items()},
    }


def mark(timestamp: float) -> NewRecord:
    """The mark of a session that was changed then."""
    return {"key": MARK, "value": timestamp}


def records_of(state: Mapping[str, Any]) -> list[NewRecord]:
    """A record for each key. `None` is a value as any other."""
    return [_record(name, carried(value)) for name, value in state.items()]


def state_of(records: Iterable[Record]) -> dict[str, Any]:
    """What `records_of` was given; other records are passed over."""
    return dict(_named(record) for record in records if record["key"].startswith(_BEGIN))


def _record(name: str, value: Any) -> NewRecord:
    key = f"{_BEGIN}{name}"
    if len(key.encode()) <= _LONGEST and "\0" not in key and not name.startswith("~"):
        return {"key": key, "value": value}
    digest = blake2b(name.encode(), digest_size=32).hexdigest()
    return {"key": f"{_BEGIN}~{digest}", "value": {"name": name, "value": value}}


def _named(record: Record) -> tuple[str, Any]:
    name, value = record["key"].removeprefix(_BEGIN), record["value"]
    if name.startswith("~"):
        return value["name"], brought(value["value"])
    return name, brought(value)
