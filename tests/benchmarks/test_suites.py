"""The suites that need nothing but this program run to their end, and judge all of their budgets.

How fast it is, no test says.
"""

import math
from pathlib import Path

import pytest

from benchmarks import growth, runtime
from benchmarks.budgets import BUDGETS
from benchmarks.suite import Run

WORKS = {
    "runtime": {
        "ask and reply, one caller",
        "append in `snapshot`, one caller",
        "append in `commit`, one caller",
        "ask and reply, 64 callers",
        "append in `snapshot`, many sessions",
        "append in `commit`, many sessions",
        "activation by length",
        "sessions visited in turn: append",
        "sessions visited in turn: summary",
        "memory of an idle active session",
        "list of 50 sessions",
        "list of all sessions",
        "bulk writes",
        "bulk writes, end to end",
        "end with dirty sessions",
    },
    "growth": {
        "append in `snapshot`, by length of the session",
        "snapshot, by length of the session",
        "append in `commit`, by length of the session",
        "history, by length of the session",
        "bytes written by an append, by length of the session",
        "history of an inactive session, by sessions in the database",
        "append in `commit`, by sessions in the database",
        "list of 50 sessions, by sessions in the database",
        "start of the service, by sessions in the database",
        "memory of the service after its start, by sessions in the database",
    },
}


@pytest.mark.parametrize("run", [runtime.run, growth.run], ids=["runtime", "growth"])
def test_a_suite_measures_each_of_its_works_and_judges_each_of_its_budgets(
    run: Run, tmp_path: Path
) -> None:
    results = run(tmp_path, 1, quick=True)

    works = {row.work for row in results.rows if not row.work.endswith(": distribution")}
    assert works == WORKS[results.suite]
    assert set(results.judged) == {
        key for key, budget in BUDGETS.items() if budget.suite == results.suite
    }
    values = [value for row in results.rows for value in row.values]
    values += [value for spread in results.judged.values() for value in spread.values]
    assert all(math.isfinite(value) and value > 0 for value in values)
    assert not list(tmp_path.iterdir()), "something was left behind"
