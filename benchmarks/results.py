"""What came out of a suite, as JSON: rows of measured values, and what budgets are judged by."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from attrs import asdict, define, field, frozen

from benchmarks.measure import Spread, floats

RESULTS = Path(__file__).parent / "results"

DISTRIBUTION = ": distribution"
"""What the work of a latency's percentiles ends with: each is a row, with its share as `x`."""


@frozen(kw_only=True)
class Budget:
    """One promise of speed."""

    suite: str
    """Whose results hold the measured value."""
    work: str
    best: Literal["≤", "≥"]
    """Whether the measured value may be at most, or must be at least, `limit`."""
    limit: float
    of: str
    """What `limit` is counted in: "× a bare ask and reply"."""
    words: str | None = None
    """The promise itself, where the measured value is a share of what it allows."""

    @property
    def bound(self) -> str:
        """The promise in words."""
        return self.words or f"{self.best} {self.limit:g} {self.of}"

    def is_met(self, value: float) -> bool:
        """Whether the promise is kept."""
        return value <= self.limit if self.best == "≤" else value >= self.limit

    def shown(self, value: float) -> str:
        """A measured value as it stands in the table."""
        return shown(value, self.of.partition(" ")[0], plain=True)


@frozen(kw_only=True)
class Row:
    """One contender at one work."""

    work: str
    who: str
    unit: str
    """`s`, `/s`, `B`, …: SI units without prefixes, so that rows can be compared."""
    values: tuple[float, ...] = field(converter=floats)
    """One from each round."""
    x: float | None = None
    """Where on a curve: a session's length, a number of sessions, a share of the samples."""
    note: str = ""
    """What must be known to compare fairly: "acknowledged when synced"."""
    durable: bool | None = None
    """Whether a power cut leaves what was acknowledged; `None`: nothing is acknowledged."""


@define
class Results:
    """The results of one run of one suite."""

    suite: str
    command: str
    """What to type to get such results again."""
    machine: Mapping[str, str]
    rows: list[Row] = field(factory=list)
    judged: dict[str, Spread] = field(factory=dict)
    """For each budget that this suite measures, by its key: the value of each round."""
    finished: str = ""
    seconds: float = 0.0
    """How long the suite took."""
    quick: bool = False
    """Whether the figures mean nothing, so that no budget is judged."""

    def write(self, folder: Path = RESULTS) -> Path:
        """Writes `<suite>.json`."""
        self.finished = datetime.now(UTC).isoformat(timespec="seconds")
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.suite}.json"
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")
        return file


def read(suite: str, folder: Path = RESULTS) -> Results | None:
    """What a suite's last run came to; `None` if it never ran."""
    file = folder / f"{suite}.json"
    if not file.exists():
        return None
    raw: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    raw["rows"] = [Row(**row) for row in raw["rows"]]
    raw["judged"] = {key: Spread(**value) for key, value in raw["judged"].items()}
    return Results(**raw)


def shown(value: float, unit: str, *, plain: bool = False) -> str:
    """A value as a person reads it: three digits and a prefix; `plain`: without a prefix."""
    if unit == "s" and not plain:
        for factor, name in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
            if value * factor >= 1:
                return f"{value * factor:.3g} {name}"
        return f"{value * 1e9:.3g} ns"
    if unit == "B" and not plain:
        for power, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
            if abs(value) >= 2**power:
                return f"{value / 2**power:.3g} {name}"
        return f"{value:.0f} B"
    if unit == "B/s":
        return f"{value / 1e6:,.3g} MB/s"
    if unit == "/s":
        return f"{value:,.0f} /s"
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()
