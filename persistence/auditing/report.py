"""Problems, and what is said of them."""

from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

MAX_PROBLEMS = 100
"""Problems of one kind that are listed. Who has more of them restores a backup."""

Problem = tuple[str, str]
"""What kind it is of, and the sentence."""


@define
class Tally:
    """What there is, counted on the way."""

    living: int = 0
    trashed: int = 0
    messages: int = 0
    """Of the living sessions; those that count."""
    switches: int = 0
    """Likewise."""
    entries: int = 0
    """Of all sessions, those in the trash included."""


@frozen
class Report:
    """What `verify` found."""

    sessions: int
    """Living ones."""
    messages: int
    """Of the living sessions; those that count."""
    switches: int
    """Likewise."""
    commit_seq: int
    """Transactions since the database was made; 0 where nobody counts them."""
    identity: str = field(default="", eq=False)
    """The database's own random id."""
    problems: tuple[str, ...] = field(default=())
    """Sentences. Empty if the database is whole."""
    trashed: int = 0
    """Sessions in the trash."""
    entries: int = field(default=0, eq=False)
    """Of all sessions, those in the trash included."""

    @property
    def ok(self) -> bool:
        """Whether the database is whole."""
        return not self.problems

    @classmethod
    def of(
        cls, tally: Tally, problems: Iterable[str], *, identity: str, commit_seq: int = 0
    ) -> "Report":
        """What was counted, and found: that is asked for first, as counting goes along with it."""
        found = tuple(problems)
        return cls(
            sessions=tally.living,
            messages=tally.messages,
            switches=tally.switches,
            commit_seq=commit_seq,
            identity=identity,
            problems=found,
            trashed=tally.trashed,
            entries=tally.entries,
        )


def bounded(problems: Iterable[Problem]) -> Iterator[str]:
    """The first ones of each kind. All are looked for, as the sessions are counted with it."""
    seen: dict[str, int] = {}
    for kind, sentence in problems:
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= MAX_PROBLEMS:
            yield sentence
