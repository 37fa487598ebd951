"""A client costs httpx, and no more: nothing of the service comes with it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from web import clients

OTHERS = (
    "runtime",
    "persistence",
    "quart",
    "quart_trio",
    "hypercorn",
    "trio",
    "asyncio",
    "msgspec",
)

HERE = Path(clients.__file__).parent


def brought_by(statement: str, *, beside: str = "pass") -> set[str]:
    """The top-level names that a fresh Python has behind this statement, and not behind another."""
    code = (
        f"import sys; {beside}; before = set(sys.modules); {statement}; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_the_package_alone_brings_not_even_httpx() -> None:
    assert not brought_by("import web.clients") & {*OTHERS, "httpx", "attrs"}


@pytest.mark.parametrize("name", ["AgentRuntimeClient", "AsyncAgentRuntimeClient"])
def test_a_client_brings_nothing_of_the_service(name: str) -> None:
    assert not brought_by(f"from web.clients import {name}") & set(OTHERS)


@pytest.mark.parametrize("name", ["conversation", "plain", "carrying"])
def test_what_adapters_share_brings_nothing_of_the_service(name: str) -> None:
    assert not brought_by(f"import web.clients.shared.{name}") & set(OTHERS)


@pytest.mark.parametrize(
    "path", sorted(HERE.rglob("*.py")), ids=lambda path: str(path.relative_to(HERE))
)
def test_no_file_but_the_embedded_runtimes_names_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert path.name == "embedded.py" or not named & {*OTHERS} - {"asyncio"}
