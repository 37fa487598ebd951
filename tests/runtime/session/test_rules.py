"""What ids, names and keys may look like, and what is said of those that may not."""

from collections.abc import Callable
from typing import Any

import pytest

from runtime import InvalidInput
from runtime.session import rules

GOOD: list[tuple[Callable[[Any], Any], list[Any]]] = [
    (rules.check_session_id, ["a", "a" * 512, "é" * 256, "a/b", "..", "\n", "👋", " ", "%2F"]),
    (rules.check_new_session_id, ["a", "a" * 512, "é" * 256, "a/b", "...", "👋", " ", "-"]),
    (rules.check_agent, ["a", "a" * 128, "кодер", "a b"]),
    (rules.check_reason, ["", "a" * 4096, "é" * 2048, "line\nline"]),
    (rules.check_title, [None, "", "a" * 512, "é" * 512]),
    (rules.check_role, ["user", "a" * 64, "é" * 64, " ", "User"]),
    (rules.check_key, ["a", "a" * 256, "é" * 256, "\x00", "a b"]),
    (rules.check_record_key, ["a", "a" * 512, "é" * 256, "a/b", "\x01", ".."]),
    (rules.check_metadata, [b"{}", b" " * 64 * 1024]),
]

BAD: list[tuple[Callable[[Any], Any], list[Any]]] = [
    (rules.check_session_id, ["", "a" * 513, "é" * 257, "\ud800", None, 7, b"a"]),
    (
        rules.check_new_session_id,
        ["", "a" * 513, ".", "..", "a\n", "\x00", "\x7f", "\x85", "\udfff"],
    ),
    (rules.check_agent, ["", "a" * 129, "a\n", "\x00", "\ud800", None, 7]),
    (rules.check_reason, ["a" * 4097, "é" * 2049, "\ud800", None, 7]),
    (rules.check_title, ["a" * 513, "\ud800", 7, ["a"]]),
    (rules.check_role, ["", "a" * 65, None, 7]),
    (rules.check_key, ["", "a" * 257, "\ud800", None, 7]),
    (rules.check_record_key, ["", "a" * 513, "é" * 257, "a\x00", "\ud800", None, 7]),
    (rules.check_metadata, [b" " * (64 * 1024 + 1)]),
]


@pytest.mark.parametrize(
    ("check", "value"), [(check, value) for check, values in GOOD for value in values]
)
def test_a_value_within_the_rules_is_taken_as_it_is(check: Any, value: Any) -> None:
    assert check(value) == value


@pytest.mark.parametrize(
    ("check", "value"), [(check, value) for check, values in BAD for value in values]
)
def test_a_value_that_breaks_a_rule_is_refused(check: Any, value: Any) -> None:
    with pytest.raises(InvalidInput):
        check(value)


@pytest.mark.parametrize(
    ("check", "value", "limit"),
    [
        (rules.check_session_id, "a" * 513, "512 bytes"),
        (rules.check_agent, "a" * 129, "128 characters"),
        (rules.check_reason, "a" * 4097, "4096 bytes"),
        (rules.check_title, "a" * 513, "512 characters"),
        (rules.check_role, "a" * 65, "64 characters"),
        (rules.check_key, "a" * 257, "256 characters"),
        (rules.check_record_key, "a" * 513, "512 bytes"),
        (rules.check_metadata, b" " * 70_000, "65536"),
    ],
)
def test_the_limit_is_named(check: Any, value: Any, limit: str) -> None:
    with pytest.raises(InvalidInput, match=limit):
        check(value)


def test_a_message_without_a_role_is_told_how_one_looks() -> None:
    with pytest.raises(InvalidInput, match="a message must have one"):
        rules.check_role(None)
