"""What a picture is made of: panels, and in each of them series of rows."""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from benchmarks.results import DISTRIBUTION, Results, Row


@frozen
class Series:
    """A line, or a bar: what one contender came to at one work."""

    work: str
    who: str
    label: str
    colour: str

    def rows(self, results: Results, kind: str) -> list[Row]:
        """Its rows, from left to right."""
        work = f"{self.work}{DISTRIBUTION}" if kind == "distribution" else self.work
        found = [row for row in results.rows if (row.work, row.who) == (work, self.who)]
        return sorted(found, key=lambda row: row.x or 0)


@frozen(kw_only=True)
class Panel:
    """One diagram of a picture."""

    kind: Literal["curve", "distribution", "bars"]
    title: str
    series: Sequence[Series]
    x_label: str = ""
    logarithmic: bool = True
    """Whether the values are; otherwise their axis begins at 0."""
    named: bool = True
    """Whether bars have their names; not if the same ones stand to the left."""

    def found(self, results: Results) -> list[tuple[Series, list[Row]]]:
        """The series that were measured."""
        pairs = [(series, series.rows(results, self.kind)) for series in self.series]
        return [(series, rows) for series, rows in pairs if rows]


@frozen(kw_only=True)
class Picture:
    """One file."""

    name: str
    """Of the file, and of the picture's place in the document."""
    alt: str
    """What is to be seen, for those who do not see it."""
    suite: str
    """Whose results it is drawn from."""
    panels: Sequence[Panel]
    columns: int = 2

    @property
    def file(self) -> str:
        """Beside the document."""
        return f"performance/{self.name}.svg"
