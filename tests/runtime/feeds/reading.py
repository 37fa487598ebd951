"""A reader of a session: what it has by now of the log, and of drafts."""

from collections.abc import Sequence

from attrs import define, field

from runtime import Cursor, Deleted, DraftNews, Durable, Entry, Follower, News, Reset, Told


@define
class Reader:
    """Keeps what it is told as an IDE does: after a reset, it begins anew."""

    entries: list[Entry] = field(factory=list)
    resets: int = 0
    durable: int = 0
    is_told_of_the_end: bool = False
    ends: int = 0
    drafts: dict[str, dict[str, str]] = field(factory=dict)

    def take(self, news: Sequence[News]) -> None:
        for one in news:
            match one:
                case Told(entry=entry):
                    self.entries.append(entry)
                case Reset():
                    self.entries.clear()
                    self.resets, self.durable = self.resets + 1, 0
                case Durable(seq=seq):
                    self.durable = seq
                case Deleted():
                    self.is_told_of_the_end, self.ends = True, self.ends + 1
                    self.drafts.clear()
                case DraftNews(dropped=True):
                    del self.drafts[one.message_id]
                case DraftNews():
                    self._take_draft(one)

    def _take_draft(self, news: DraftNews) -> None:
        parts = self.drafts.setdefault(news.message_id, {})
        if news.offset == 0:
            parts.clear()
        assert news.offset == sum(map(len, parts.values())), "a seam"
        if news.part is not None:
            parts[news.part] = parts.get(news.part, "") + news.text

    async def read(self, follower: Follower) -> None:
        """Takes all that there is now."""
        while not follower.is_over and (news := await follower.next(0)):
            self.take(news)

    @property
    def cursor(self) -> Cursor:
        """Where it goes on when it connects again."""
        if not self.entries:
            return Cursor(0)
        return Cursor(self.entries[-1].seq, self.entries[-1].chain.hex())

    @property
    def seqs(self) -> list[int]:
        return [entry.seq for entry in self.entries]


def seqs(news: Sequence[News]) -> list[int]:
    """The numbers of the entries, and of nothing else."""
    numbers = []
    for one in news:
        assert isinstance(one, Told)
        numbers.append(one.entry.seq)
    return numbers
