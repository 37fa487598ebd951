"""Renews docs/performance.md and its pictures from the results that are there."""

from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks import tables
from benchmarks.pictures.gallery import PICTURES
from benchmarks.results import RESULTS, Results, read

SUITES = (
    "runtime",
    "growth",
    "any_length",
    "layouts",
    "compare",
    "limits",
    "stalls",
    "peers",
)
DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"

NOTHING = "Not measured yet."


def renew(document: Path = DOCUMENT, folder: Path = RESULTS) -> None:
    """Renews what stands between markers; the prose around it stays.

    Raises `SystemExit` if the document lacks a marker, or if there is no matplotlib; it is as it
    was then.
    """
    results = {suite: found for suite in SUITES if (found := read(suite, folder)) is not None}
    text = document.read_text(encoding="utf-8")
    for name, part in _parts(results, document.parent):
        text = _replaced(text, name, part)
    document.write_text(text, encoding="utf-8")


def _parts(results: dict[str, Results], folder: Path) -> Iterator[tuple[str, str]]:
    """Each generated part with its name; the pictures that they show are drawn."""
    yield "budgets", tables.budgets(results)
    for suite in SUITES:
        yield f"{suite}-figures", tables.figures(results[suite]) if suite in results else NOTHING
    try:
        from benchmarks.pictures.drawing import draw
    except ImportError as error:
        raise SystemExit(
            f"no pictures: {error}; pip install '.[bench]' has what is needed"
        ) from None
    for picture in PICTURES:
        part = NOTHING
        file = folder / picture.file
        file.parent.mkdir(exist_ok=True)
        found = results.get(picture.suite)
        if found is not None and draw(picture, found, file):
            part = f"![{picture.alt}]({picture.file})\n\nFrom `{found.command}`."
        yield picture.name, part


def _replaced(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
    head, begun, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not (begun and ended):
        raise SystemExit(f"the document has no place for {name}")
    return f"{head}{begin}{part}{end}{tail}"


@click.command("python -m benchmarks.report", help=__doc__)
def main() -> None:
    renew()
    print(DOCUMENT)


if __name__ == "__main__":
    main()
