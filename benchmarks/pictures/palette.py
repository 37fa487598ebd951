"""Colours that can be told from a white page and from a dark one.

A picture is one file for both, without a background: an `<img>` follows the system's colour scheme,
which need not be the page's. So all are mid-tones, with a contrast of at least 3.5 to either. They
differ for people who confuse red and green, and every line carries its name beside it.
"""

BLUE = "#1f83c9"
ORANGE = "#d55e00"
GREEN = "#0f9068"
PURPLE = "#b565a7"
OLIVE = "#8a7a1e"
RED = "#c8574f"
GREY = "#767d86"
"""Also of all text, and of what only stands for a limit."""

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, OLIVE, RED, GREY)

PAGES = ("#ffffff", "#0d1117")
"""What a light and a dark page have behind the picture."""


def contrast(one: str, other: str) -> float:
    """How well one is seen on the other, from 1 to 21, as WCAG defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
