"""Renews docs/performance.md and its pictures from the results that are there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from benchmarks.measure import Spread
from benchmarks.pictures.gallery import PICTURES
from benchmarks.results import DISTRIBUTION, RESULTS, Budget, Results, Row, read, shown
from benchmarks.table import BUDGETS, SUITES

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
        begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
        head, begun, rest = text.partition(begin)
        _, ended, tail = rest.partition(end)
        if not (begun and ended):
            raise SystemExit(f"the document has no place for {name}")
        text = f"{head}{begin}{part}{end}{tail}"
    document.write_text(text, encoding="utf-8")


def _parts(results: Mapping[str, Results], folder: Path) -> Iterator[tuple[str, str]]:
    """Each generated part with its name; the pictures that they show are drawn."""
    yield "budgets", budgets(results)
    for suite in SUITES:
        yield f"{suite}-figures", figures(results[suite]) if suite in results else NOTHING
    try:
        from benchmarks.pictures.drawing import draw
    except ImportError as error:
        raise SystemExit(
            f"no pictures: {error}; pip install '.[bench]' has what is needed"
        ) from None
    for picture in PICTURES:
        part, file = NOTHING, folder / picture.file
        file.parent.mkdir(exist_ok=True)
        found = results.get(picture.suite)
        if found is not None and draw(picture, found, file):
            part = f"![{picture.alt}]({picture.file})\n\nFrom `{found.command}`."
        yield picture.name, part


def budgets(results: Mapping[str, Results]) -> str:
    """All budgets, with what the suites of these names have measured, and where they did."""
    outcomes = [
        (budget, results[budget.suite].judged.get(key) if budget.suite in results else None)
        for key, budget in BUDGETS.items()
    ]
    met = [budget.is_met(spread.median) for budget, spread in outcomes if spread is not None]
    counts = (
        f"{sum(met)} met, {len(met) - sum(met)} missed, {len(outcomes) - len(met)} not measured"
    )
    head = ("work", "budget", "measured (median)", "over the rounds", "", "suite")
    lines = [(b.work, b.bound, *_outcome(b, spread), b.suite) for b, spread in outcomes]
    where = "\n".join(map(_circumstances, results.values()))
    return f"**{counts}**\n\n{_table(head, lines)}\n\n{where}"


def _outcome(budget: Budget, spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return "", "", "**not measured**"
    median = budget.shown(spread.median)
    over = f"{budget.shown(spread.low)} … {budget.shown(spread.high)}"
    if budget.is_met(spread.median):
        return median, over, "✓ met"
    return f"**{median}**", over, "❌ **MISSED**"


def _circumstances(results: Results) -> str:
    machine = "; ".join(f"{what} {value}" for what, value in results.machine.items())
    return (
        f"- {results.suite}: `{results.command}`, {results.finished}, "
        f"took {shown(results.seconds, 's')}; {machine}"
    )


def figures(results: Results) -> str:
    """All that a suite measured, but for the distributions."""
    works: dict[str, dict[str, list[Row]]] = {}
    for row in results.rows:
        if not row.work.endswith(DISTRIBUTION):
            works.setdefault(row.work, {}).setdefault(row.who, []).append(row)
    listed: list[Row] = []
    curves: dict[str, list[list[Row]]] = {}
    for work, contenders in works.items():
        for rows in contenders.values():
            if rows[0].x is not None and len({row.note for row in rows}) == 1:
                # After a comma is what x is: the works that have it in common share a table.
                _, comma, by = work.rpartition(", ")
                curves.setdefault(by if comma else work, []).append(rows)
            else:
                listed += rows
    return "\n\n".join([_list(listed)] * bool(listed) + [_curves(*pair) for pair in curves.items()])


def _list(rows: Sequence[Row]) -> str:
    works = [row.work if row.x is None else f"{row.work}, at {_size(row.x)}" for row in rows]
    lines = [(w, row.who, _value(row, " "), row.note) for w, row in zip(works, rows, strict=True)]
    return _table(("work", "who", "median (min … max)", "note"), lines)


def _curves(by: str, curves: Sequence[Sequence[Row]]) -> str:
    sizes = sorted({row.x for rows in curves for row in rows if row.x is not None})
    lines = []
    for rows in curves:
        cells = {row.x: _value(row, "<br>") for row in rows}
        what = rows[0].work.removesuffix(f", {by}")
        lines.append((what, rows[0].who, *(cells.get(x, "") for x in sizes), rows[0].note))
    return _table((f"… {by}", "who", *map(_size, sizes), "note"), lines)


def _value(row: Row, gap: str) -> str:
    spread = Spread(row.values)
    median, low, high = (shown(v, row.unit) for v in (spread.median, spread.low, spread.high))
    return f"{median}{gap}({low} … {high})"


def _size(x: float) -> str:
    return f"{x:,.9g}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(_escaped, row))} |" for row in rows)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


@click.command("python -m benchmarks.report", help=__doc__)
def main() -> None:
    renew()
    print(DOCUMENT)


if __name__ == "__main__":
    main()
