"""The entries of a log in which one says something else, with the chains that they have then."""

from collections.abc import Iterable, Iterator

from attrs import define, evolve

from runtime import Entry, Fork, Redact, Row, digest_of, link


@define
class Rechained:
    """Makes them, one after the other, from the changed one on."""

    _changed: Entry
    before: bytes
    """The chain before the next one."""

    def next(self, row: Row) -> Entry:
        """What becomes of the next entry."""
        entry = Entry(*row)
        if entry.seq == self._changed.seq:
            entry = self._changed
        self.before = link(
            self.before, entry.seq, entry.kind, entry.key, entry.at, digest_of(entry)
        )
        return evolve(entry, chain=self.before)


def unchanged(step: Redact) -> Fork:
    """What is copied as it is, up to the changed entry."""
    return Fork(
        source=step.no,
        at=step.entry.seq - 1,
        root=step.root,
        header=step.header,
        settings=step.settings,
        entry=step.entry,
    )


def redacted_rows(rows: Iterable[Row], step: Redact) -> Iterator[Row]:
    """All entries of a log."""
    rechained = Rechained(step.entry, step.root)
    for row in rows:
        if row[0] < step.entry.seq:
            rechained.before = row[5]
            yield row
        else:
            yield row_of(rechained.next(row))


def row_of(entry: Entry) -> Row:
    """The entry as a tuple of its fields."""
    return (
        entry.seq,
        entry.kind,
        entry.key,
        entry.at,
        entry.body,
        entry.chain,
        entry.metadata,
        entry.form,
        entry.call,
    )
