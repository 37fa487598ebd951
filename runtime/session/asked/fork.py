"""A fork: a new session that begins with another one's entries, up to a version.

The store copies them, with their numbers and chains. Behind them comes one entry of the kind
`settings`, which says where the fork comes from, and what it is called.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import evolve, frozen

from runtime.errors import InvalidInput, SessionExists
from runtime.session.bodies.encoding import encode
from runtime.session.entries.chain import link
from runtime.session.kind import New
from runtime.session.kinds.settings import SETTINGS, merged, summary
from runtime.session.life import Life
from runtime.session.replies import Summary
from runtime.session.rules import check_metadata, check_title
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.entries import Entry
from runtime.store.steps import Fork


def fork_of(
    state: SessionState,
    *,
    version: int | None,
    patch: Mapping[str, Any],
    at: str,
    condition: Condition = ANY,
) -> Fork:
    """What the store has to do for a fork of this session; `None`: of all of it.

    `patch` may have `title` and `metadata`. Changes nothing. The session must be durable up to
    there, and in the store. Raises `SessionNotFound`, `InvalidInput`, `BelowFloor`,
    `PreconditionFailed`, `Needs`.
    """
    life = state.present()
    state.check(condition)
    version = life.version if version is None else version
    if version < 1:
        raise InvalidInput("at: must be 1 or more: a fork of nothing is a new session")
    if version > life.version:
        raise InvalidInput(f"at: must be at most the session's version, {life.version}")
    life.check_goal(version)
    past = life.as_of(version)
    body: dict[str, Any] = {"forked_from": {"session_id": state.session_id, "at": version}}
    if "title" in patch:
        body["title"] = check_title(patch["title"])
    if "metadata" in patch:
        check_metadata(merged(past.settings().metadata, patch["metadata"]))
        body["metadata"] = patch["metadata"]
    new = New(SETTINGS, None, encode(body, "settings"))
    entry = _entry_behind(life, version, new, at)
    past.folds[SETTINGS].add(entry)
    return Fork(
        source=life.no or 0,
        at=version,
        root=life.log.root,
        header=evolve(past.header(), version=version + 1, created_at=at, last_activity=at),
        settings=past.settings(),
        entry=entry,
    )


def _entry_behind(life: Life, version: int, new: New, at: str) -> Entry:
    seq = version + 1
    chain = link(life.chain(version), seq, new.kind, new.key, at, new.digest)
    return Entry(seq, new.kind, new.key, at, new.body, chain)


@frozen
class Made:
    """A fork that is there already."""

    summary: Summary
    at: int
    chain: bytes
    """The chain at that version: of the source's log, if it is the one that was forked."""


def made(
    state: SessionState, source: str, version: int | None, patch: Mapping[str, Any], at: str
) -> Made:
    """The fork that a call asks for, which this session is, as far as it can tell alone.

    Without a version the call is taken for the one that made it, however far the source has come
    since. Raises `SessionNotFound`, `SessionExists` if it is another one, `Needs`.
    """
    life = state.present()
    origin = life.settings().forked_from
    if origin is None or origin.session_id != source or version not in (None, origin.at):
        raise SessionExists(state.session_id)
    body = msgspec.json.decode(life.entry(origin.at + 1).body)
    if {name: body[name] for name in ("title", "metadata") if name in body} != dict(patch):
        raise SessionExists(state.session_id)
    return Made(summary(state, at, repeated=True), origin.at, life.chain(origin.at))


def check_source(state: SessionState, made: Made) -> None:
    """Raises `SessionExists`, of the fork, if it was made of another log than this one; `Needs`."""
    life = state.present()
    if life.version < made.at or life.chain(made.at) != made.chain:
        raise SessionExists(made.summary.session_id)
