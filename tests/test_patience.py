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
