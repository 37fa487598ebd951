"""Results as tables in Markdown: what the budgets have come to, and all that was measured."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.budgets import BUDGETS, Budget
from benchmarks.measure import Spread
from benchmarks.results import DISTRIBUTION, Results, Row, shown


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
    lines = [
        (budget.work, budget.bound, *_outcome(budget, spread), budget.suite)
        for budget, spread in outcomes
    ]
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
    head = ("work", "who", "median (min … max)", "note")
    return _table(head, [(_work(row), row.who, _value(row, " "), row.note) for row in rows])


def _work(row: Row) -> str:
    return row.work if row.x is None else f"{row.work}, at {_size(row.x)}"


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
    median, low, high = (
        shown(value, row.unit) for value in (spread.median, spread.low, spread.high)
    )
    return f"{median}{gap}({low} … {high})"


def _size(x: float) -> str:
    return f"{x:,.9g}"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(_escaped, row))} |" for row in rows)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
