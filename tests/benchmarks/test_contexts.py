"""The work about contexts runs to its end, and judges its budget."""

from pathlib import Path

from benchmarks.bench import Suite
from benchmarks.contexts import contexts


def test_contexts_are_measured_and_judged(tmp_path: Path) -> None:
    results = Suite("contexts", 1, contexts).measured(tmp_path, {}, rounds=1, quick=True)
    assert set(results.judged) == {"context"}
    assert len({row.who for row in results.rows}) == 3
    assert not list(tmp_path.iterdir())
