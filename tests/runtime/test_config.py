from typing import Any

import pytest
from attrs import exceptions, fields

from runtime import RuntimeConfig

POSITIVE = [
    field.name
    for field in fields(RuntimeConfig)
    if field.name not in ("durability", "snapshot_interval")
]


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_setting_that_has_to_be_positive_is(name: str, value: float) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name):
        RuntimeConfig(**settings)


def test_the_snapshot_interval_may_be_zero_but_not_less() -> None:
    assert RuntimeConfig(snapshot_interval=0).snapshot_interval == 0
    with pytest.raises(ValueError, match="snapshot_interval"):
        RuntimeConfig(snapshot_interval=-0.1)


def test_an_unknown_durability_is_refused() -> None:
    unknown: Any = "maybe"
    with pytest.raises(ValueError, match="durability"):
        RuntimeConfig(durability=unknown)


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(exceptions.FrozenInstanceError):
        RuntimeConfig().max_active = 1  # type: ignore[misc]


def test_an_embedded_runtime_does_not_wait_for_the_disk_by_default() -> None:
    assert RuntimeConfig().durability == "snapshot"
