"""What the runtime needs of a store's index of words, and the values that cross between them.

Rules:

- The index follows from the log and can always be made anew. It is filled behind the commits, so it
  may lack what was committed a moment ago, and nothing is ever lost with it.
- What of an entry can be searched, the runtime says (`TextOf`). A store knows numbers, texts in
  their normal form, and whether a session lives and an entry counts. That it decides when somebody
  searches: a rewind, or a deletion, changes nothing in the index.
- `take`, `behind`, `forget` and `scrub` are called one after the other; `search` may run beside
  them, in any thread.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from attrs import frozen

from runtime.store.entries import Row


@frozen
class Text:
    """What can be searched of an entry."""

    role: str | None
    """A message's. `None`: this is the session's title, and no other entry's is any more."""
    words: str
    """In their normal form, with a space between them. Empty: there are none."""


TextOf = Callable[[Row], Text | None]
"""`None`: nothing of the entry can be searched."""


@frozen
class Term:
    """Words that have to follow each other."""

    words: tuple[str, ...]
    """In their normal form: letters and digits alone. At least one."""
    is_prefix: bool = False
    """Whether the last one may go on."""


@frozen(kw_only=True)
class Sought:
    """What is searched for."""

    terms: tuple[Term, ...]
    """All of them, in whatever order. At least one."""
    prefix: str = ""
    """Of the session's id."""
    role: str | None = None
    """`None`: in messages of all roles, and in titles."""
    since: str = ""
    """A moment: entries of before are left out."""
    until: str = "\U0010ffff"
    """A moment: entries of then and later are left out."""


@frozen
class HitPosition:
    """A place in the order of hits, right behind this one."""

    at: str
    no: int
    seq: int


@frozen(kw_only=True)
class Hit:
    """An entry of a living session that has all that is searched for, and counts."""

    no: int
    session_id: str
    title: str | None
    seq: int
    role: str | None
    """`None`: it is the title that has it."""
    at: str


@frozen
class HitPage:
    """Some of the hits, the newest first."""

    hits: Sequence[Hit]
    next: HitPosition | None
    """Where the next page starts; `None` at the end. A page may be short, or empty, and go on: a
    store looks at 10,000 entries with these words for one page, not at all."""


@frozen
class Taken:
    """What became of the sessions that the index was to take."""

    left: Sequence[str] = ()
    """Ids of those of which there is more to take."""
    is_new: bool = False
    """Whether the index was found damaged, and is empty: then all sessions are `behind`."""


@frozen
class Behind:
    """Some of the sessions of which the index lacks entries."""

    session_ids: Sequence[str]
    next: int | None
    """The `no` behind which the next page begins; `None` at the end."""


class Index(Protocol):
    """Finds entries by their words. Every method raises `StoreError` when it cannot."""

    def take(self, session_ids: Collection[str], text_of: TextOf, room: int) -> Taken:
        """Takes what is committed of these living sessions, as far as there is `room` for it.

        That is in bytes; at least one entry is taken. Where a log is not the one that was taken
        before, all of it is taken anew.
        """

    def behind(self, limit: int, after: int = 0) -> Behind:
        """At most `limit` of the living sessions that lack something, whose `no` is beyond."""

    def lately(self, since: str, limit: int) -> Sequence[str]:
        """Ids of at most `limit` living sessions that lack something and were active since then.

        Also those of other processes: whoever searches may take them, too. None, of a store that
        has no others.
        """

    def forget(self, limit: int) -> bool:
        """Removes at most so many texts of lives that are gone for good; whether there are more."""

    def scrub(self) -> None:
        """Takes off the disk, too, what was forgotten or taken anew, as far as a store can.

        It may take long: for what must not be there any more.
        """

    def search(self, sought: Sought, limit: int, after: HitPosition | None = None) -> HitPage:
        """At most `limit` hits behind `after`, the newest first.

        Those of one moment come in any order, but always in the same one.
        """
