"""The three kinds of diagram."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from benchmarks.measure import Spread
from benchmarks.pictures.axes import label_shares, label_sizes, label_values, rarity
from benchmarks.pictures.description import Panel, Series
from benchmarks.pictures.names import write
from benchmarks.pictures.palette import GREY
from benchmarks.results import Row, shown

Found = Sequence[tuple[Series, Sequence[Row]]]

Line = tuple[Series, Sequence[float], Sequence[Spread]]
"""What is drawn of a series: where from left to right, and how high."""


def curves(axes: Axes, panel: Panel, found: Found) -> None:
    """Lines by size, with the spread over the rounds."""
    label_sizes(axes, sorted({row.x for _, rows in found for row in rows if row.x is not None}))
    lines = [
        (series, [row.x or 0 for row in rows], [Spread(row.values) for row in rows])
        for series, rows in found
    ]
    _draw(axes, panel, found[0][1][0].unit, lines, marker="o")


def distributions(axes: Axes, panel: Panel, found: Found) -> None:
    """Lines by percentile, with the spread over the rounds."""
    lines = []
    for series, rows in found:
        reached = [row for row in rows if row.x is not None and row.x < 1]
        # From where a line has the maximum on, there are too few samples to say more.
        while len(reached) > 1 and reached[-2].values == rows[-1].values:
            reached.pop()
        heights = [Spread(row.values) for row in reached]
        lines.append((series, [rarity(row.x or 0) for row in reached], heights))
    _draw(axes, panel, found[0][1][0].unit, lines, marker="")
    label_shares(axes)


def _draw(axes: Axes, panel: Panel, unit: str, lines: Sequence[Line], marker: str) -> None:
    if panel.logarithmic:
        axes.set_yscale("log")
    right = max(places[-1] for _, places, _ in lines)
    for series, places, heights in lines:
        lows, highs = [spread.low for spread in heights], [spread.high for spread in heights]
        axes.fill_between(places, lows, highs, color=series.colour, alpha=0.2, linewidth=0)
        medians = [spread.median for spread in heights]
        axes.plot(places, medians, color=series.colour, marker=marker, clip_on=False)
        # All names stand to the right; dots lead there from a line that ends before.
        axes.plot([places[-1], right], medians[-1:] * 2, ":", color=series.colour, linewidth=0.8)
        write(axes, series.label, right, medians[-1], series.colour)
    values = [value for *_, heights in lines for spread in heights for value in spread.values]
    axes.set_xlim(right=right)
    if not panel.logarithmic:
        axes.set_ylim(0, 1.15 * max(values))
    label_values(axes.yaxis, unit, values, logarithmic=panel.logarithmic)
    axes.grid(axis="y")


def bars(axes: Axes, panel: Panel, found: Found) -> None:
    """Bars to the median, with the spread over the rounds, and the median as text.

    They are hollow where a power cut can take what was acknowledged.
    """
    unit = found[0][1][0].unit
    spreads = [Spread(rows[0].values) for _, rows in found]
    values = [value for spread in spreads for value in spread.values]
    if panel.logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 2, max(values) * 2)
        axes.xaxis.set_major_locator(LogLocator(numticks=20))
        axes.grid(axis="x")
    else:
        axes.xaxis.set_major_locator(NullLocator())
    for place, ((series, rows), spread) in enumerate(zip(found, spreads, strict=True)):
        fill = "none" if rows[0].durable is False else (series.colour, 0.4)
        axes.barh(place, spread.median, 0.6, color=fill, edgecolor=series.colour)
        axes.plot([spread.low, spread.high], [place, place], color=series.colour)
        write(axes, shown(spread.median, unit), spread.high, place, GREY)
    axes.set_yticks(range(len(found)), [series.label if panel.named else "" for series, _ in found])
    axes.invert_yaxis()
    # The values stand beside the bars; where these are logarithmic, there is a line for each power
    # of ten.
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(NullFormatter())
    axes.tick_params(axis="x", length=0)


KINDS: Mapping[str, Callable[[Axes, Panel, Found], None]] = MappingProxyType(
    {"curve": curves, "distribution": distributions, "bars": bars}
)
