"""What is written beside lines and bars, and none of it over another."""

from collections.abc import Sequence
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

GAP = 12.0
"""Points from one text up to the next."""
ASIDE = 6.0
"""Points from what is named to its name."""


def write(axes: Axes, text: str, x: float, y: float, colour: str) -> None:
    """Writes it to the right of this point."""
    axes.annotate(text, (x, y), (ASIDE, 0), textcoords="offset points", va="center", color=colour)


def keep_apart(figure: Figure) -> None:
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
