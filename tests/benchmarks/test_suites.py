"""The suites run to their end, and judge all of their budgets; some, where peers are installed.

How fast it is, no test says.
"""

import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import PEERS
from benchmarks.processes import ROOT
from benchmarks.results import Results, read
from benchmarks.table import BUDGETS, SUITES, WITH_PEERS


def named(results: Results) -> set[str]:
    """What was measured, whatever its size."""
    return {re.sub(r"[\d,]*\d", "#", row.work) for row in results.rows}


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_measures_all_that_the_document_shows_and_judges_each_of_its_budgets(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name in WITH_PEERS and not PEERS.exists():
        pytest.skip("the peers are not installed: make bench-peers")
    results = SUITES[name].measured(tmp_path, BUDGETS, rounds=1, quick=True, peers=PEERS)
    shown = read(name)
    assert shown is not None
    assert named(results) >= named(shown)
    assert set(results.judged) == {k for k, budget in BUDGETS.items() if budget.suite == name}
    values = [value for row in results.rows for value in row.values if row.unit != "B"]
    assert all(math.isfinite(value) and value > 0 for value in values)
    # So few sessions may find room in memory that was free before: these may be 0.
    sizes = [value for row in results.rows for value in row.values if row.unit == "B"]
    judged = [value for spread in results.judged.values() for value in spread.values]
    assert all(map(math.isfinite, sizes + judged))
    assert not list(tmp_path.iterdir()), "something was left behind"
    assert "MISSED" not in capsys.readouterr().out, "judged by figures that mean nothing"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_what_is_ended_leaves_neither_files_nor_processes(
    number: signal.Signals, tmp_path: Path
) -> None:
    # In its quick form, as nothing but its beginning is wanted: the other measures the disk first.
    command = [sys.executable, "-m", "benchmarks", "--quick", "--folder", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        # The first suite is at its first work: its folder is there, and what it has begun.
        while not process.stdout.readline().startswith("# "):
            assert process.poll() is None, "it ended by itself"
        assert list(tmp_path.iterdir())
        process.send_signal(number)
        # The pipe is at its end when all that had it have ended, however long that takes here.
        _, said = process.communicate()
    assert process.returncode == 1
    assert not list(tmp_path.iterdir()), said
