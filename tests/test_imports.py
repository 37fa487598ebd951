"""The arrows between the packages, and inside the runtime (see `runtime/__init__.py`)."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtime

ROOT = Path(runtime.__file__).parent.parent
STANDARD = sys.stdlib_module_names
MAP = re.findall(r"^- `([\w.]+)`", runtime.__doc__ or "", re.MULTILINE)
"""The runtime's files in the order in which one may import another."""


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            known = (ROOT / node.module.replace(".", "/")).is_dir()
            for alias in node.names:
                module = node.module.replace(".", "/") + f"/{alias.name}.py"
                yield (
                    f"{node.module}.{alias.name}"
                    if known and (ROOT / module).exists()
                    else (node.module)
                )


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def everywhere(*packages: str) -> list[Path]:
    return [path for package in packages for path in files(package)]


@pytest.mark.parametrize("path", everywhere("runtime"), ids=name_of)
def test_the_runtime_imports_no_database_and_no_http(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert tops - STANDARD <= {"trio", "attrs", "msgspec", "runtime"}
    assert not tops & {"sqlite3", "http", "socketserver", "wsgiref"}


@pytest.mark.parametrize("path", everywhere("persistence"), ids=name_of)
def test_the_stores_know_of_the_runtime_only_what_crosses_to_them(path: Path) -> None:
    names = set(imported(path))
    tops = {name.partition(".")[0] for name in names}
    assert not tops & {"trio", "web", "quart", "quart_trio"}
    of_runtime = {name for name in names if name.partition(".")[0] == "runtime"}
    crossing = {
        "runtime.store",
        "runtime.session.message",
        "runtime.session.transcript",
        "runtime.errors",
    }
    assert of_runtime <= crossing


@pytest.mark.parametrize("path", everywhere("web"), ids=name_of)
def test_only_the_composition_root_imports_a_store(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert "persistence" not in tops or path == ROOT / "web" / "cli.py"


@pytest.mark.parametrize("path", everywhere("runtime", "persistence", "web"), ids=name_of)
def test_nothing_uses_asyncio(path: Path) -> None:
    assert "asyncio" not in {name.partition(".")[0] for name in imported(path)}


def test_the_map_names_every_file_of_the_runtime() -> None:
    found = [p.relative_to(ROOT / "runtime") for p in files("runtime") if p.stem != "__init__"]
    assert sorted(MAP) == sorted(".".join(path.with_suffix("").parts) for path in found)


@pytest.mark.parametrize("name", MAP)
def test_a_file_of_the_runtime_imports_only_from_those_above_it(name: str) -> None:
    above = {f"runtime.{other}" for other in MAP[: MAP.index(name)]}
    place = (ROOT / "runtime").joinpath(*name.split(".")).with_suffix(".py")
    of_runtime = {n for n in imported(place) if n.startswith("runtime")}
    assert of_runtime <= above
