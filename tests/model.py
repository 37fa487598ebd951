"""A session as a plain list: naive, slow, and obviously right. No code of the runtime is in it.

What counts is taken from the rule itself, word by word; everything else follows from what counts.
"""

from collections.abc import Sequence
from copy import deepcopy
from itertools import takewhile
from typing import Any

from attrs import define, field, frozen


class Refused(Exception):
    """The call is refused, and nothing of it is applied."""


@frozen
class Asked:
    """An entry that a call asks for."""

    kind: str
    body: Any
    key: str | None = None


@frozen
class Line:
    """An entry of the log; its number is its place."""

    kind: str
    key: str | None
    at: str
    body: Any
    call: tuple[str, tuple[Asked, ...], tuple[int, ...]] | None = None
    """On the first entry of a call with an id: the id, what was asked, and what was answered."""


@define
class Model:
    """One life of a session."""

    lines: list[Line] = field(factory=list)
    floor: int = 0
    dropped: set[int] = field(factory=set)
    """Records whose values a clean-up took."""

    @property
    def version(self) -> int:
        return len(self.lines)

    def line(self, seq: int) -> Line:
        return self.lines[seq - 1]

    # -- what follows from the list ----------------------------------------------------------

    def counts(self, version: int) -> list[int]:
        """The entries after the last rewind, on top of what counted at that rewind's `to`."""
        for seq in range(version, 0, -1):
            if self.line(seq).kind == "rewind":
                return [*self.counts(self.line(seq).body["to"]), *range(seq + 1, version + 1)]
        return list(range(1, version + 1))

    def counting(self, kind: str, version: int | None = None) -> list[int]:
        """The numbers of the entries of a kind that count."""
        version = self.version if version is None else version
        always = kind in ("settings", "rewind")
        seqs = range(1, version + 1) if always else self.counts(version)
        return [seq for seq in seqs if self.line(seq).kind == kind]

    def messages(self) -> list[Any]:
        return [self.line(seq).body for seq in self.counting("message")]

    def switches(self) -> list[Line]:
        return [self.line(seq) for seq in self.counting("switch")]

    def agent(self) -> str:
        return self.switches()[-1].body["to"] if self.switches() else "orchestrator"

    def records(self, version: int | None = None) -> dict[str, int]:
        """Key to the number of the newest value."""
        found: dict[str, int] = {}
        for seq in self.counting("record", version):
            found.pop(str(self.line(seq).key), None)
            if "value" in self.line(seq).body:
                found[str(self.line(seq).key)] = seq
        return found

    def title(self) -> str | None:
        titles = [self.line(seq).body["title"] for seq in self.counting("settings")]
        return titles[-1] if titles else None

    def seq_of(self, kind: str, key: str) -> int | None:
        return next((n for n in self.counting(kind) if self.line(n).key == key), None)

    def _is_counting(self, seq: int) -> bool:
        return seq in self.counting(self.line(seq).kind)

    # -- what changes it ---------------------------------------------------------------------

    def call(self, asked: Sequence[Asked], at: str, name: str | None = None) -> list[int]:
        """Appends all, or nothing; `name` is the call's id. Returns a number for each."""
        for seq in range(self.version, 0, -1):
            earlier = self.line(seq).call
            if earlier is None or earlier[0] != name:
                continue
            _, before, answered = earlier
            begins, ends = self._is_counting(seq), self._is_counting(max(answered))
            if before == tuple(asked) and (begins or ends):
                return list(answered)
            if before != tuple(asked) and begins:
                raise Refused
        draft = deepcopy(self)
        seqs = [draft._take(one, at) for one in asked]
        if name is not None and draft.version > self.version:
            first = draft.line(self.version + 1)
            noted = Line(first.kind, first.key, at, first.body, (name, tuple(asked), tuple(seqs)))
            draft.lines[self.version] = noted
        self.lines = draft.lines
        return seqs

    def _take(self, asked: Asked, at: str) -> int:
        known = None
        if asked.key is not None and asked.kind != "record":
            known = self.seq_of(asked.kind, asked.key)
        if known is not None:
            if self.line(known).body != asked.body:
                raise Refused
            return known
        if asked.kind == "rewind" and not self.floor <= asked.body["to"] <= self.version:
            raise Refused
        self.lines.append(Line(asked.kind, asked.key, at, asked.body))
        return self.version

    def fork(self, version: int, at: str, body: Any) -> "Model":
        """A new session of the first entries, and one that says where they come from."""
        if not max(1, self.floor) <= version <= self.version:
            raise Refused
        lines = [*self.lines[:version], Line("settings", None, at, body)]
        return Model(lines, self.floor, {seq for seq in self.dropped if seq <= version})

    def drop(self, before: str, committed: int) -> int:
        """Drops the values that no version shows, from the last one of before a moment on.

        Messages aside: behind what is none they change no record.
        """
        others = [seq for seq in range(1, committed + 1) if self.line(seq).kind != "message"]
        old = takewhile(lambda seq: self.line(seq).at < before, others)
        floor = max(old, default=0)
        shown = {seq for v in range(floor, self.version + 1) for seq in self.records(v).values()}
        values = {
            seq
            for seq in range(1, floor + 1)
            if self.line(seq).kind == "record" and "value" in self.line(seq).body
        }
        gone = values - shown - self.dropped
        if gone:
            self.dropped |= gone
            self.floor = max(self.floor, floor)
        return len(gone)
