"""Scales, ticks and names that carry units."""

from collections.abc import Sequence
from math import log10

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    NullLocator,
)

from benchmarks.results import shown

PERCENTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Those that have a tick, as shares."""


def rarity(share: float) -> float:
    """Where a percentile stands: one to the right, ten times fewer samples are beyond it."""
    return -log10(1 - share)


def label_shares(axes: Axes) -> None:
    """Makes the x axis one of percentiles, placed by `rarity`."""
    _label(axes.xaxis, [(rarity(share), f"{100 * share:g}") for share in PERCENTILES])


def label_sizes(axes: Axes, sizes: Sequence[float]) -> None:
    """Makes the x axis logarithmic but for 0, with a tick for each of these sizes."""
    smallest = min(size for size in sizes if size > 0)
    axes.set_xscale("symlog", linthresh=smallest, linscale=0.5)
    _label(axes.xaxis, [(size, f"{size:,.0f}") for size in sizes])


def _label(axis: Axis, ticks: Sequence[tuple[float, str]]) -> None:
    axis.set_major_locator(FixedLocator([at for at, _ in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_ticklabels([text for _, text in ticks])


def label_values(axis: Axis, unit: str, values: Sequence[float], *, logarithmic: bool) -> None:
    """Gives the axis of the values round ticks, with their unit; it has its scale already."""
    axis.set_major_locator(_round(unit, values, logarithmic=logarithmic))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit) if value else "0"))


def _round(unit: str, values: Sequence[float], *, logarithmic: bool) -> Locator:
    if logarithmic:
        decades = log10(max(values) / min(values))
        return LogLocator(subs=(1,) if decades > 1.5 else (1, 2, 5), numticks=20)
    if unit != "B":
        return MaxNLocator(4)
    step = 1
    while step * 6 < max(values):
        step *= 2
    return FixedLocator([step * number for number in range(8)])
