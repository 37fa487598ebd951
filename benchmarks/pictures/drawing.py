"""A picture from results, as an SVG file that is the same for the same results."""

from collections.abc import Mapping, Sequence
from math import ceil, log10
from pathlib import Path
from statistics import mean
from types import MappingProxyType
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from benchmarks.measure import Spread
from benchmarks.pictures.gallery import GREY, Panel, Picture, Series
from benchmarks.results import Results, Row, shown

WIDTH = 9.0
"""Inches, at 72 points: as wide as a page of text on a screen."""
LINES, BAR, AROUND = 3.2, 0.33, 0.8
"""Inches that a panel of lines is high; one bar; what is above and below the bars."""
GAP, ASIDE = 12.0, 6.0
"""Points from one name up to the next; from what is named to its name."""
PERCENTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Those that have a tick, as shares."""

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "svg.fonttype": "none",  # text stays text: searchable, and in a font that is there
        "svg.hashsalt": "benchmarks",
        "font.size": 10,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "grid.color"), GREY),
        **dict.fromkeys(("xtick.color", "ytick.color"), GREY),
        **{f"axes.spines.{side}": False for side in ("top", "right", "left")},
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "ytick.major.size": 0,
        "grid.alpha": 0.3,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.8,
        "lines.markersize": 4,
    }
)

Found = Sequence[tuple[Series, Sequence[Row]]]

Line = tuple[Series, Sequence[float], Sequence[Spread]]
"""What is drawn of a series: where from left to right, and how high."""


def draw(picture: Picture, results: Results, file: Path) -> bool:
    """Draws it; panels of which nothing was measured are left out. Whether there was anything."""
    panels = [(panel, found) for panel in picture.panels if (found := panel.found(results))]
    if not panels:
        return False
    columns = min(picture.columns, len(panels))
    rows = ceil(len(panels) / columns)
    height = max(AROUND + BAR * len(f) if p.kind == "bars" else LINES for p, f in panels)
    with style.context(["default", dict(STYLE)]):  # whatever the user has set
        figure = Figure((WIDTH, height * rows), layout="constrained")
        grid = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in grid[len(panels) :]:
            axes.remove()
        for axes, (panel, found) in zip(grid, panels, strict=False):
            axes.set_title(panel.title)
            axes.set_xlabel(panel.x_label)
            {"curve": _curves, "distribution": _distributions, "bars": _bars}[panel.kind](
                axes, panel, found
            )
        _keep_apart(figure)
        about = {"Date": None, "Creator": None}
        figure.savefig(file, format="svg", transparent=True, metadata=about)
    return True


def _curves(axes: Axes, panel: Panel, found: Found) -> None:
    """Lines by size, with the spread over the rounds."""
    sizes = sorted({row.x for _, rows in found for row in rows if row.x is not None})
    smallest = min(size for size in sizes if size > 0)
    axes.set_xscale("symlog", linthresh=smallest, linscale=0.5)  # logarithmic but for 0
    _label(axes.xaxis, [(size, f"{size:,.0f}") for size in sizes])
    lines = [
        (series, [row.x or 0 for row in rows], [Spread(row.values) for row in rows])
        for series, rows in found
    ]
    _draw(axes, panel, found[0][1][0].unit, lines, marker="o")


def _distributions(axes: Axes, panel: Panel, found: Found) -> None:
    """Lines by percentile, with the spread over the rounds."""
    lines = []
    for series, rows in found:
        reached = [row for row in rows if row.x is not None and row.x < 1]
        # From where a line has the maximum on, there are too few samples to say more.
        while len(reached) > 1 and reached[-2].values == rows[-1].values:
            reached.pop()
        heights = [Spread(row.values) for row in reached]
        lines.append((series, [_rarity(row.x or 0) for row in reached], heights))
    _draw(axes, panel, found[0][1][0].unit, lines, marker="")
    _label(axes.xaxis, [(_rarity(share), f"{100 * share:g}") for share in PERCENTILES])


def _rarity(share: float) -> float:
    """Where a percentile stands: one to the right, ten times fewer samples are beyond it."""
    return -log10(1 - share)


def _label(axis: Axis, ticks: Sequence[tuple[float, str]]) -> None:
    axis.set_major_locator(FixedLocator([at for at, _ in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_ticklabels([text for _, text in ticks])


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
        _write(axes, series.label, right, medians[-1], series.colour)
    values = [value for *_, heights in lines for spread in heights for value in spread.values]
    axes.set_xlim(right=right)
    if not panel.logarithmic:
        axes.set_ylim(0, 1.15 * max(values))
    axes.yaxis.set_major_locator(_round_ticks(unit, values, logarithmic=panel.logarithmic))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: shown(v, unit) if v else "0"))
    axes.grid(axis="y")


def _round_ticks(unit: str, values: Sequence[float], *, logarithmic: bool) -> Locator:
    if logarithmic:
        decades = log10(max(values) / min(values))
        return LogLocator(subs=(1,) if decades > 1.5 else (1, 2, 5), numticks=20)
    if unit != "B":
        return MaxNLocator(4)
    step = 1
    while step * 6 < max(values):
        step *= 2
    return FixedLocator([step * number for number in range(8)])


def _bars(axes: Axes, panel: Panel, found: Found) -> None:
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
        _write(axes, shown(spread.median, unit), spread.high, place, GREY)
    axes.set_yticks(range(len(found)), [series.label if panel.named else "" for series, _ in found])
    axes.invert_yaxis()
    # The values stand beside the bars; where these are logarithmic, there is a line for each power
    # of ten.
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(NullFormatter())
    axes.tick_params(axis="x", length=0)


def _write(axes: Axes, text: str, x: float, y: float, colour: str) -> None:
    """Writes it to the right of this point."""
    axes.annotate(text, (x, y), (ASIDE, 0), textcoords="offset points", va="center", color=colour)


def _keep_apart(figure: Figure) -> None:
    """Moves what would overlap up or down."""
    # Only then is known how much room the texts leave, and so where the points are.
    figure.draw_without_rendering()
    for axes in figure.axes:
        heights = [axes.transData.transform(text.xy)[1] * 72 / figure.dpi for text in axes.texts]
        for text, height, free in zip(axes.texts, heights, apart(heights), strict=True):
            text.set_position((ASIDE, free - height))


def apart(heights: Sequence[float], gap: float = GAP) -> list[float]:
    """The heights, moved as little as puts `gap` between any two; their order stays."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    # Less the gaps, those that are too near are out of order, and their mean is where they belong.
    together: list[list[float]] = []
    for place, index in enumerate(order):
        together.append([heights[index] - place * gap])
        while len(together) > 1 and mean(together[-2]) > mean(together[-1]):
            together[-2:] = [together[-2] + together[-1]]
    levels = [mean(group) for group in together for _ in group]
    moved = [level + place * gap for place, level in enumerate(levels)]
    return [moved[order.index(index)] for index in range(len(heights))]
