"""Which of the entries that have the words are hits: the same in all stores."""

from collections.abc import Iterable

from attrs import frozen

from persistence.intervals import decode
from persistence.sequence import LOOKED_AT
from runtime import Hit, HitPage, HitPosition, Interval, Sought


@frozen
class Candidate:
    """An entry that has the words, of a life that is living."""

    no: int
    session_id: str
    title: str | None
    seq: int
    role: str | None
    at: str
    intervals: str | None
    """Which entries of the life count, as it is stored."""

    @property
    def place(self) -> HitPosition:
        return HitPosition(self.at, self.no, self.seq)


def page_of(candidates: Iterable[Candidate], sought: Sought, limit: int) -> HitPage:
    """The first page of what is a hit among these; they come in its order."""
    hits: list[Hit] = []
    last: HitPosition | None = None
    counting = _Counting({})
    for looked_at, one in enumerate(candidates):
        if looked_at == LOOKED_AT:
            return HitPage(hits, last)
        if _is_sought(one, sought) and (one.role is None or counting.has(one)):
            if len(hits) == limit:
                return HitPage(hits, last)
            hits.append(
                Hit(
                    no=one.no,
                    session_id=one.session_id,
                    title=one.title,
                    seq=one.seq,
                    role=one.role,
                    at=one.at,
                )
            )
        last = one.place
    return HitPage(hits, None)


def _is_sought(one: Candidate, sought: Sought) -> bool:
    return (
        sought.since <= one.at < sought.until
        and sought.role in (None, one.role)
        and one.session_id.startswith(sought.prefix)
    )


@frozen
class _Counting:
    """The intervals of the lives that were met, each decoded once."""

    _known: dict[int, tuple[Interval, ...]]

    def has(self, one: Candidate) -> bool:
        """Whether the entry counts."""
        if one.intervals is None:
            return True
        if one.no not in self._known:
            try:
                self._known[one.no] = decode(one.intervals)
            except ValueError:  # damaged: that is the session's affair, and not the search's
                self._known[one.no] = ()
        return any(
            first <= one.seq and (last is None or one.seq <= last)
            for first, last in self._known[one.no]
        )
