from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from persistence import transfer
from tests.postgres.databases import Databases

Name = Callable[[str, str], str]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what there is takes several."""
    monkeypatch.setattr(transfer, "BATCH_ROWS", 7)
    monkeypatch.setattr(transfer, "BATCH_BYTES", 500_000)


@pytest.fixture
def name(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Name]:
    """Makes URLs of stores that are not there yet: of which kind, and what sets it apart."""
    with ExitStack() as stack:

        def make(kind: str, which: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{tmp_path}/{which}.db"
            databases: Databases = request.getfixturevalue("databases")
            return stack.enter_context(databases.fresh())

        yield make


KINDS = ("sqlite", "postgres")


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, name: Name) -> str:
    """The URL of a store that is not there yet, of each kind."""
    return name(request.param, "source")


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, name: Name) -> str:
    """The same, of another one."""
    return name(request.param, "target")
