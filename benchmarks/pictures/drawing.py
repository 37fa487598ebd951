"""A picture from results, as an SVG file that is the same for the same results."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

from benchmarks.pictures.description import Panel, Picture
from benchmarks.pictures.names import keep_apart
from benchmarks.pictures.palette import GREY
from benchmarks.pictures.panels import KINDS, Found
from benchmarks.results import Results

WIDTH = 9.0
"""Inches, at 72 points: as wide as a page of text on a screen."""
LINES, BAR, AROUND = 3.2, 0.33, 0.8
"""Inches that a panel of lines is high; one bar; what is above and below the bars."""

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "svg.fonttype": "none",  # text stays text: searchable, and in a font that is there
        "svg.hashsalt": "benchmarks",
        "font.size": 10,
        "text.color": GREY,
        "axes.labelcolor": GREY,
        "axes.edgecolor": GREY,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "ytick.major.size": 0,
        "grid.color": GREY,
        "grid.alpha": 0.3,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.8,
        "lines.markersize": 4,
    }
)


def draw(picture: Picture, results: Results, file: Path) -> bool:
    """Draws it; panels of which nothing was measured are left out. Whether there was anything."""
    panels = [(panel, found) for panel in picture.panels if (found := panel.found(results))]
    if not panels:
        return False
    columns = min(picture.columns, len(panels))
    rows = ceil(len(panels) / columns)
    height = max(_height(panel, found) for panel, found in panels)
    with style.context(["default", dict(STYLE)]):  # whatever the user has set
        figure = Figure((WIDTH, height * rows), layout="constrained")
        grid = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in grid[len(panels) :]:
            axes.remove()
        for axes, (panel, found) in zip(grid, panels, strict=False):
            axes.set_title(panel.title)
            axes.set_xlabel(panel.x_label)
            KINDS[panel.kind](axes, panel, found)
        keep_apart(figure)
        figure.savefig(
            file, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    return True


def _height(panel: Panel, found: Found) -> float:
    return AROUND + BAR * len(found) if panel.kind == "bars" else LINES
