"""The memory store's index: the words of each entry, looked through one after the other."""

from collections.abc import Collection, Iterator, Sequence
from threading import Lock

from attrs import define, field, frozen

from persistence.hits import Candidate, page_of
from persistence.intervals import encode
from persistence.lives import Life, Lives
from runtime import Behind, HitPage, HitPosition, Sought, Taken, Term, TextOf, text_size


@frozen
class _Remembered:
    """What can be searched of an entry."""

    seq: int
    role: str | None
    at: str
    words: Sequence[str]


@define
class _Taken:
    """What the index has of a life."""

    upto: int = 0
    chain: bytes = b""
    texts: list[_Remembered] = field(factory=list)


@define(eq=False)
class MemoryIndex:
    """Finds entries of the memory store by their words. It implements `runtime.index.Index`."""

    _kept: Lives
    _lock: Lock
    """The store's: who takes or searches sees whole batches."""
    _taken: dict[int, _Taken] = field(factory=dict)

    def take(self, session_ids: Collection[str], text_of: TextOf, room: int) -> Taken:
        left: list[str] = []
        with self._lock:
            for session_id in session_ids:
                no = self._kept.living.get(session_id)
                if no is None:
                    continue
                if room <= 0:
                    left.append(session_id)
                    continue
                life = self._kept.lives[no]
                room = self._take(no, life, text_of, room)
                if self._taken[no].upto < life.header.version:
                    left.append(session_id)
        return Taken(left)

    def _take(self, no: int, life: Life, text_of: TextOf, room: int) -> int:
        """Takes what has room of a life; what room is left."""
        taken = self._taken.setdefault(no, _Taken())
        if taken.upto and life.entries[taken.upto - 1 : taken.upto][0][5] != taken.chain:
            taken = self._taken[no] = _Taken()
        for row in life.entries[taken.upto :]:
            text = text_of(row)
            if text is not None:
                if text.role is None:
                    taken.texts = [one for one in taken.texts if one.role is not None]
                taken.texts.append(_Remembered(row[0], text.role, row[3], text.words.split()))
            taken.upto, taken.chain = row[0], row[5]
            room -= text_size(row)
            if room <= 0:
                break
        return room

    def behind(self, limit: int, after: int = 0) -> Behind:
        with self._lock:
            found = sorted(
                (no, session_id)
                for session_id, no in self._kept.living.items()
                if no > after and self._is_behind(no)
            )
        page = found[:limit]
        return Behind([name for _, name in page], page[-1][0] if len(found) > limit else None)

    def lately(self, since: str, limit: int) -> Sequence[str]:
        with self._lock:
            return [
                session_id
                for session_id, no in self._kept.living.items()
                if self._kept.lives[no].header.last_activity >= since and self._is_behind(no)
            ][:limit]

    def _is_behind(self, no: int) -> bool:
        taken = self._taken.get(no)
        return taken is None or taken.upto < self._kept.lives[no].header.version

    def forget(self, limit: int) -> bool:
        with self._lock:
            for no in [no for no in self._taken if no not in self._kept.lives]:
                limit -= len(self._taken.pop(no).texts)
                if limit <= 0:
                    return True
        return False

    def scrub(self) -> None:
        """Nothing is on a disk."""

    def search(self, sought: Sought, limit: int, after: HitPosition | None = None) -> HitPage:
        with self._lock:
            found = [one for one in self._candidates(sought) if _is_behind(one.place, after)]
        found.sort(key=lambda one: (one.at, one.no, one.seq), reverse=True)
        return page_of(found, sought, limit)

    def _candidates(self, sought: Sought) -> Iterator[Candidate]:
        for session_id, no in self._kept.living.items():
            life, taken = self._kept.lives[no], self._taken.get(no)
            for one in () if taken is None else taken.texts:
                if all(_has(one.words, term) for term in sought.terms):
                    yield Candidate(
                        no,
                        session_id,
                        life.settings.title,
                        one.seq,
                        one.role,
                        one.at,
                        encode(life.settings.intervals),
                    )


def _is_behind(place: HitPosition, after: HitPosition | None) -> bool:
    return after is None or (place.at, place.no, place.seq) < (after.at, after.no, after.seq)


def _has(words: Sequence[str], term: Term) -> bool:
    """Whether the term's words stand one behind the other somewhere in these."""
    *whole, last = term.words
    for n in range(len(words) - len(whole)):
        end = words[n + len(whole)]
        if list(words[n : n + len(whole)]) == whole and (
            end.startswith(last) if term.is_prefix else end == last
        ):
            return True
    return False
