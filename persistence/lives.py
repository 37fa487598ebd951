"""Sessions in this process's memory, and what each step of a delta does to them.

Every change notes how it is taken back, so that a delta that does not fit leaves nothing behind,
and one that does costs no copy of the session.
"""

from contextlib import ExitStack
from typing import TypeVar

from attrs import define, evolve, field, frozen

from persistence.rechained import redacted_rows, row_of
from persistence.sequence import OutOfStep, check_change, check_fork, header_of_copy
from persistence.used import GONE
from runtime import (
    DROPPED,
    STILL,
    Amounts,
    Change,
    Delta,
    DraftChunk,
    Entry,
    Expire,
    Fork,
    Header,
    Purge,
    Redact,
    Row,
    Scrub,
    SessionInfo,
    Settings,
    Standing,
    Undelete,
    add_all,
    dropped_body,
    used_in,
)

_K = TypeVar("_K")
_V = TypeVar("_V")


@frozen(kw_only=True)
class Life:
    """A session from its beginning to its end, and in the trash. Replaced as it changes."""

    session_id: str
    root: bytes
    header: Header
    settings: Settings
    deleted_at: str | None = None
    entries: list[Row] = field(factory=list)
    """Grows in place, also when the life is replaced: an append must not cost a copy."""
    standing: Standing = STILL
    drafts: tuple[DraftChunk, ...] = ()

    @property
    def info(self) -> SessionInfo:
        return SessionInfo(
            session_id=self.session_id,
            message_count=self.header.message_count,
            last_activity=self.header.last_activity,
            current_agent=self.header.current_agent,
            created_at=self.header.created_at,
            version=self.header.version,
            title=self.settings.title,
            archived=self.settings.archived,
            metadata=self.settings.metadata,
        )

    def has_superseded(self, before: str) -> bool:
        """Whether there is the body of a record that another one of before `before` replaced."""
        later: set[str | None] = set()
        for _, kind, key, at, _, _, _, form, _ in reversed(self.entries):
            if kind == "record" and at < before:
                if key in later and not form & DROPPED:
                    return True
                later.add(key)
        return False


@define(eq=False)
class Lives:
    """All lives that are not purged."""

    lives: dict[int, Life] = field(factory=dict)
    living: dict[str, int] = field(factory=dict)
    """Session id to the number of its life. All other lives are in the trash."""
    used: dict[int, Amounts] = field(factory=dict)
    """What each life has used; under `GONE`, what those had that are purged."""
    _last_no: int = 0
    """Also of a life whose delta was rejected: a number is never given again."""

    def apply(self, delta: Delta) -> tuple[int | None, bool]:
        """Applies all of the delta, or raises `ValueError` and applies none of it.

        Returns the number of the last life that began, and whether one expired.
        """
        session_id = delta.session_id
        session_id.encode()  # raises for a lone surrogate, which no database takes either
        begun: int | None = None
        expired = False
        with ExitStack() as undo:
            for step in delta.steps:
                match step:
                    case Change(no=None):
                        begun = self._begin(session_id, step, undo)
                        self._change(begun, step, undo)
                    case Change(no=no):
                        if no is None or self.living.get(session_id) != no:
                            raise OutOfStep(f"life {no} is not the living session of this id")
                        if step.after != self.lives[no].header.version:
                            raise OutOfStep("the entries do not follow on the stored ones")
                        self._change(no, step, undo)
                    case Fork():
                        begun = self._fork(session_id, step, undo)
                    case Undelete():
                        self._undelete(session_id, step.no, undo)
                    case Redact():
                        begun = self._redact(session_id, step, undo)
                    case Scrub():
                        pass  # nothing of what is gone is anywhere
                    case Purge():
                        life = self.lives.get(step.no)
                        if life is not None and life.deleted_at is not None:
                            self._purge(step.no, undo)
                    case Expire():
                        living = self.living.get(session_id)
                        if living and self.lives[living].header.last_activity < step.before:
                            self._end(living, step.ended_at, undo, purge=step.purge)
                            expired = True
            undo.pop_all()
        return begun, expired

    def _begin(self, session_id: str, step: Change | Fork | Redact, undo: ExitStack) -> int:
        if session_id in self.living:
            raise OutOfStep("a session of this id lives already")
        self._last_no += 1
        life = Life(
            session_id=session_id,
            root=step.root,
            header=step.header,
            settings=step.settings or Settings(),
        )
        _put(self.lives, self._last_no, life, undo)
        _put(self.living, session_id, self._last_no, undo)
        return self._last_no

    def _fork(self, session_id: str, fork: Fork, undo: ExitStack) -> int:
        check_fork(fork)
        source = self.lives.get(fork.source)
        if source is None or source.header.version < fork.at:
            raise OutOfStep(f"life {fork.source} has no {fork.at} entries to be copied")
        header = header_of_copy(fork, source.header.floor)
        no = self._begin(session_id, evolve(fork, header=header), undo)
        self.lives[no].entries.extend([*source.entries[: fork.at], row_of(fork.entry)])
        return no

    def _redact(self, session_id: str, step: Redact, undo: ExitStack) -> int:
        old = self.lives.get(step.no)
        if old is None or self.living.get(session_id) != step.no or old.header != step.header:
            raise OutOfStep(f"life {step.no} is not the living session of this id, or has changed")
        _put(self.living, session_id, None, undo)
        no = self._begin(session_id, step, undo)
        new = self.lives[no]
        drafts = tuple(chunk for chunk in old.drafts if chunk.key != step.draft_gone)
        _put(self.lives, no, evolve(new, standing=old.standing, drafts=drafts), undo)
        new.entries.extend(redacted_rows(old.entries, step))
        _put(self.used, no, self.used.get(step.no), undo)
        _put(self.used, step.no, None, undo)
        _put(self.lives, step.no, None, undo)
        return no

    def _change(self, no: int, change: Change, undo: ExitStack) -> None:
        check_change(change)
        life = self.lives[no]
        changed = evolve(
            life,
            header=change.header,
            settings=change.settings or life.settings,
            standing=change.standing or life.standing,
            drafts=_drafts_after(life.drafts, change),
        )
        _put(self.lives, no, changed, undo)
        entries = life.entries
        undo.callback(entries.__delitem__, slice(len(entries), None))
        entries += map(row_of, change.entries)
        if change.reports:
            self._use(no, used_in(change), undo)
        for seq in change.dropped:
            if not 1 <= seq <= len(entries) or entries[seq - 1][1] != "record":
                raise OutOfStep(f"entry {seq} is no record")
            undo.callback(entries.__setitem__, seq - 1, entries[seq - 1])
            entries[seq - 1] = _without_body(entries[seq - 1])
        if change.end:
            self._end(no, change.ended_at, undo, purge=change.end == "purge")

    def _end(self, no: int, ended_at: str, undo: ExitStack, *, purge: bool) -> None:
        life = self.lives[no]
        _put(self.living, life.session_id, None, undo)
        if purge:
            self._purge(no, undo)
        else:
            _put(self.lives, no, evolve(life, deleted_at=ended_at), undo)

    def _purge(self, no: int, undo: ExitStack) -> None:
        _put(self.lives, no, None, undo)
        self._use(GONE, self.used.get(no, {}), undo)
        _put(self.used, no, None, undo)

    def _use(self, no: int, amounts: Amounts, undo: ExitStack) -> None:
        if amounts:
            sums = dict(self.used.get(no, {}))
            add_all(sums, amounts.items())
            _put(self.used, no, sums, undo)

    def _undelete(self, session_id: str, no: int, undo: ExitStack) -> None:
        life = self.lives.get(no)
        if life is None or life.deleted_at is None:
            raise OutOfStep(f"life {no} is not in the trash")
        if session_id in self.living:
            raise OutOfStep("a session of this id lives already")
        _put(self.lives, no, evolve(life, session_id=session_id, deleted_at=None), undo)
        _put(self.living, session_id, no, undo)


def _drafts_after(drafts: tuple[DraftChunk, ...], change: Change) -> tuple[DraftChunk, ...]:
    if change.drafts_gone:
        drafts = tuple(chunk for chunk in drafts if chunk.key not in change.drafts_gone)
    return (*drafts, *change.drafts)


def _put(table: dict[_K, _V], key: _K, value: _V | None, undo: ExitStack) -> None:
    """Sets what is at `key`, or removes it; `undo` brings back what was there."""
    undo.callback(_set, table, key, table.get(key))
    _set(table, key, value)


def _set(table: dict[_K, _V], key: _K, value: _V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _without_body(row: Row) -> Row:
    entry = Entry(*row)
    return row_of(evolve(entry, body=dropped_body(entry), form=entry.form | DROPPED))
