"""A test fails for what is wrong, and never because something else keeps the machine busy."""

import ast
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent


def settings_in(path: Path) -> Iterator[dict[str | None, str]]:
    """What each call of hypothesis' `settings` in a file says, as it stands there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and "settings" in ast.unparse(node.func):
            yield {word.arg: ast.unparse(word.value) for word in node.keywords}


def test_a_property_has_no_deadline_and_its_examples_may_take_their_time() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_no_test_says_otherwise_for_itself() -> None:
    for path in sorted(TESTS.rglob("*.py")):
        for said in settings_in(path):
            assert said.get("deadline", "None") == "None", path
            # What a test suppresses comes in place of what all suppress, not on top.
            suppressed = said.get("suppress_health_check", "HealthCheck.too_slow")
            assert "HealthCheck.too_slow" in suppressed, path


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    """All that the tests consist of."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def test_no_test_looks_at_the_clock_on_the_wall() -> None:
    """Nor gives a process so long and no longer: pytest has one bound for all."""
    clocks = {"time", "monotonic", "perf_counter"}
    for path, node in nodes():
        match node:
            case ast.ImportFrom(module="time", names=names):
                assert not clocks & {name.name for name in names}, path
            case ast.Attribute(value=ast.Name("time"), attr=name):
                assert name not in clocks, path
            case ast.Call(func, _, words) if "subprocess" in ast.unparse(func):
                assert "timeout" not in [word.arg for word in words], path


def test_no_test_takes_a_while_without_news_for_the_end_of_a_threads_work() -> None:
    """How long a thread takes nobody knows: `until_quiet` and `until_held` count them."""
    for path, node in nodes():
        match node:
            case ast.Call(func, args, words) if "wait_all_tasks_blocked" in ast.unparse(func):
                assert [*args, *words] == [], path
