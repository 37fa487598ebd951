from collections.abc import Iterator

import pytest
from trio.testing import MockClock

from runtime import MiB
from tests.runtime.fakes import FakeStore, Watch, patient_threads
from tests.runtime.nodes import Cluster


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    with patient_threads():
        yield


@pytest.fixture
def clock() -> MockClock:
    """Trio's time: jumps to the next deadline when all tasks wait and no thread works."""
    return MockClock(autojump_threshold=0)


@pytest.fixture
def watch() -> Watch:
    """The time of day."""
    return Watch()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Nodes that share one "disk"."""
    cluster = Cluster()
    yield cluster
    cluster.open_gates()


@pytest.fixture(params=[pytest.param(MiB, id="in-memory"), pytest.param(0, id="in-the-store")])
def store(clock: MockClock, request: pytest.FixtureRequest) -> FakeStore:
    """One whose sessions are in memory as a whole, and one of whose nothing stays there."""
    return FakeStore(clock.current_time, request.param)
