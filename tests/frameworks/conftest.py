"""What the tests of all frameworks may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frameworks.served import Served, serving


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A service of this test's own; `kill()` and `restart()` are for what is killed between steps.

    With a token, or other options: `with serving(tmp_path, "--…")`.
    """
    # Adapters are given the address: who is not must not find somebody's service.
    monkeypatch.delenv("AGENT_RUNTIME_URL", raising=False)
    monkeypatch.delenv("AGENT_RUNTIME_TOKEN", raising=False)
    with serving(tmp_path) as served:
        yield served
