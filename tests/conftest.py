"""How all tests run: property tests without a deadline, as time says nothing about a property.

By how many processes side by side, where that is asked for; and what every folder of tests may ask
for: a PostgreSQL database, of its own or shared.
"""

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.persistence.databases import common_database, grounds
from tests.postgres.fixtures import database, databases
from tests.warm import warm

__all__ = ["common_database", "database", "databases", "grounds"]

PROFILE = "patient"

# A deadline, and the check that examples are made quickly, measure the machine: beside others, both
# fail tests of which every example holds.
#
# Whether examples are drawn at random is left to hypothesis. At a desk each run draws others, since
# a counterexample is welcome there: it is printed, kept, and tried first the next time. Where `CI`
# is set they are the same in every run, since a red run there has to be about the change.
#
# Half as many examples as is usual: there are hundreds of properties, and `make test` has minutes.
# `--hypothesis-profile thorough` tries ten times as many.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(PROFILE, PATIENT, max_examples=50)
settings.register_profile("thorough", PATIENT, max_examples=500)
settings.load_profile(PROFILE)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: some more than there are cores, as many tests wait for a disk.

    But not for ever more: each imports all tests, and has services and servers beside it.
    """
    cores = os.cpu_count() or 1
    return min(cores + (cores + 1) // 2, 8)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: no search finds any garbage meanwhile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Nor does any need to look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _warm() -> Iterator[None]:
    """Services are forked off a process that has imported what they need."""
    with warm():
        yield
