from typing import Any

import pytest
from attrs import exceptions, fields

from runtime import RuntimeConfig

POSITIVE = [
    field.name
    for field in fields(RuntimeConfig)
    if field.name
    not in ("durability", "snapshot_interval", "resident_bytes", "trash_retention", "search")
]


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_setting_that_has_to_be_positive_is(name: str, value: float) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name):
        RuntimeConfig(**settings)


@pytest.mark.parametrize("name", ["snapshot_interval", "trash_retention"])
def test_a_setting_that_may_be_zero_may_not_be_less(name: str) -> None:
    zero, less = ({name: value} for value in (0, -0.1))
    assert getattr(RuntimeConfig(**zero), name) == 0  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=name):
        RuntimeConfig(**less)  # type: ignore[arg-type]


def test_superseded_records_are_kept_for_ever_unless_a_limit_is_given() -> None:
    assert RuntimeConfig().record_retention is None


def test_an_unknown_durability_is_refused() -> None:
    unknown: Any = "maybe"
    with pytest.raises(ValueError, match="durability"):
        RuntimeConfig(durability=unknown)


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(exceptions.FrozenInstanceError):
        RuntimeConfig().max_active = 1  # type: ignore[misc]


def test_an_embedded_runtime_does_not_wait_for_the_disk_by_default() -> None:
    assert RuntimeConfig().durability == "snapshot"
