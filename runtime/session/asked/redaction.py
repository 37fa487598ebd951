"""A value of an entry gives way to a marker: what the entry says then, and what follows from it.

Rules:

- What a kind lets go of, it says itself (`Kind.redactable`). Of a message it is everything but its
  role and its id. Ids, keys, names of agents and numbers stay: things are found, counted and summed
  by them.
- The marker is a text, so that what was a text still is one.
- What was used stays used: of a message's metadata, the numbers stay that are summed.
- Done again, there is nothing to do. So a repetition is known by the entry itself, and answered
  before any precondition.
"""

from collections.abc import Iterable

import msgspec
from attrs import evolve, frozen

from runtime.errors import InvalidInput
from runtime.session.bodies.normal import normal
from runtime.session.bodies.pointing import Path, paths_in, pointer_of, with_value
from runtime.session.kind import Kinds
from runtime.session.kinds.settings import SETTINGS, SettingsFold
from runtime.session.life import Life
from runtime.session.state import Condition, SessionState
from runtime.session.work.reported import kept_report, reported
from runtime.store.entries import DROPPED, MESSAGE, PLAIN, Entry
from runtime.store.steps import Redact
from runtime.store.stored import Settings

MARKER = b'"[redacted]"'
"""What stands in the place of a value, as JSON."""


def entry_of(state: SessionState, seq: int) -> Entry:
    """The entry of this number. Raises `SessionNotFound`, `InvalidInput`, `Needs`."""
    life = state.present()
    if not 1 <= seq <= life.version:
        raise InvalidInput(f"seq: must be the number of an entry, from 1 to {life.version}")
    life.log.need([seq])
    return life.entry(seq)


def redacted(kinds: Kinds, entry: Entry, path: Path) -> Entry | None:
    """The entry with a marker at the end of the path; of the empty one, in all of it.

    `None`: it is there already. The chain is still that of before. Raises `InvalidInput` if there
    is nothing, or nothing that may go. May take long: not for the actor.
    """
    if entry.kind == MESSAGE:
        changed = _message(kinds, entry, path)
    elif entry.form & DROPPED:
        changed = evolve(entry, body=b'{"value":%b}' % MARKER, form=entry.form & ~DROPPED)
    else:
        changed = evolve(entry, body=_body(kinds, entry, path))
    return None if changed == entry else changed


@frozen
class Plan:
    """What the store is to do, once all of the session is there, and it has left memory."""

    _life: Life
    _entry: Entry
    _settings: Settings

    def step(self) -> Redact:
        """It has to be in the store by now."""
        life = self._life
        assert life.no is not None, "it is durable"
        assert life.is_durable, "and nothing was changed since"
        return Redact(
            no=life.no,
            root=life.log.root,
            header=life.header(),
            settings=self._settings,
            entry=self._entry,
            draft_gone=self._entry.key if self._entry.kind == MESSAGE else None,
        )


def plan(state: SessionState, entry: Entry, condition: Condition) -> Plan:
    """What is to be done so that the session has this entry instead of that of its number.

    Raises `SessionNotFound`, `PreconditionFailed`, `Needs`.
    """
    life = state.present()
    state.check(condition)
    settings = life.settings()
    if entry.kind == SETTINGS:
        fold = _fold(life, entry)
        settings = evolve(settings, title=fold.title, metadata=fold.metadata)
    return Plan(life, entry, settings)


def _fold(life: Life, changed: Entry) -> SettingsFold:
    """What all settings come to, if this is one of them. Raises `Needs`."""
    seqs = list(life.log.of_kind(SETTINGS, 1, life.version))
    life.log.need(seqs)
    fold = SettingsFold()
    for seq in seqs:
        fold.add(changed if seq == changed.seq else life.entry(seq))
    return fold


def _message(kinds: Kinds, entry: Entry, path: Path) -> Entry:
    """Body and metadata apart, as they are kept."""
    if path in (("role",), ("id",)):
        raise InvalidInput("pointer: the role and the id of a message cannot be redacted")
    report = None if entry.metadata is None else reported(entry.metadata)
    body, metadata = entry.body, entry.metadata
    if not path:
        role = msgspec.json.encode(msgspec.json.decode(body, type=_Role).role)
        body = b'{"role":%b,"content":%b}' % (role, MARKER)
        metadata = None if report is None else kept_report(report)
    elif path[0] == "metadata" and metadata is not None:
        metadata = with_value(normal(metadata, "metadata")[0], path[1:], MARKER)
        if reported(metadata) != report:
            raise InvalidInput(
                "pointer: what was used, and of which model, cannot be redacted: it is summed"
            )
    else:
        body = with_value(normal(body, "message")[0], path, MARKER)
    new, _, _ = kinds[MESSAGE].read(None, body)
    assert new is not None, "messages are made of their bodies alone"
    form = (entry.form & ~PLAIN) | new.form
    return evolve(entry, body=new.body, metadata=metadata, form=form)


class _Role(msgspec.Struct):
    role: str


def _body(kinds: Kinds, entry: Entry, path: Path) -> bytes:
    patterns = kinds[entry.kind].redactable
    body, _ = normal(entry.body, entry.kind)
    open_paths = [found for pattern in patterns for found in paths_in(body, pattern)]
    for place in _wanted(open_paths, path):
        body = with_value(body, place, MARKER)
    return body


def _wanted(open_paths: Iterable[Path], path: Path) -> list[Path]:
    """Of the places that may be redacted, those at or below the path; or it, if it is below one."""
    found: list[Path] = []
    for place in open_paths:
        if place[: len(path)] == path:
            found.append(place)
        elif path[: len(place)] == place:
            return [path]
    if not found:
        raise InvalidInput(
            f"pointer: nothing that could be redacted is at {pointer_of(path)!r} of this entry"
        )
    return found
