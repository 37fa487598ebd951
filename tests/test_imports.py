"""The arrows: between the packages, and within each from a floor to one below.

Every package's docstring has a map: a line that begins with a dash and a name in backquotes for
each file and folder in it, in the order in which one may import another. What a package offers to
other packages is what its `__init__` imports and names in `__all__`.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import runtime

ROOT = Path(runtime.__file__).parent.parent
STANDARD = sys.stdlib_module_names
PACKAGES = ("runtime", "persistence", "web")

CLI = ROOT / "web" / "cli"
COMPOSITION_ROOT = [
    *(CLI / name for name in ("commands.py", "found.py")),
    *(CLI / "sessions" / name for name in ("completion.py", "looking.py", "changing.py")),
    *(CLI / "exchange" / name for name in ("carrying.py",)),
    ROOT / "web" / "clients" / "embedded.py",
]
"""Where the parts meet: the files with the commands, and a runtime for adapters in one process."""

_ROW = re.compile(r"^- ((?:`\w+`(?:, )?)+)", re.MULTILINE)


def files(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def folders() -> list[Path]:
    """Every package, and every package within one."""
    return sorted(path.parent for path in files(*PACKAGES) if path.name == "__init__.py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def the_map(folder: Path) -> list[str]:
    """The names in a package's map, from the ground floor up."""
    text = ast.get_docstring(tree_of(folder / "__init__.py")) or ""
    return [name for row in _ROW.findall(text) for name in re.findall(r"\w+", row)]


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """The full names that a file imports, also inside functions: module, and the name in it.

    What is imported for type checkers alone draws no arrow: nothing of it is there when it runs.
    """
    tree = tree_of(path)
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            yield from ((*node.module.split("."), alias.name) for alias in node.names)


def exported(package: str) -> set[str]:
    """What a package names in `__all__`."""
    for node in tree_of(ROOT / package / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", files("runtime"), ids=name_of)
def test_the_runtime_imports_no_database_and_no_http(path: Path) -> None:
    tops = {name[0] for name in imported(path)}
    assert tops - STANDARD <= {"trio", "attrs", "msgspec", "runtime"}
    assert not tops & {"sqlite3", "http", "socketserver", "wsgiref"}


@pytest.mark.parametrize("path", files("persistence"), ids=name_of)
def test_the_stores_import_neither_trio_nor_the_web(path: Path) -> None:
    assert not {name[0] for name in imported(path)} & {"trio", "web", "quart", "quart_trio"}


@pytest.mark.parametrize("path", files("web"), ids=name_of)
def test_only_the_composition_root_imports_a_store(path: Path) -> None:
    tops = {name[0] for name in imported(path)}
    assert "persistence" not in tops or path in COMPOSITION_ROOT


@pytest.mark.parametrize("path", files(*PACKAGES), ids=name_of)
def test_nothing_but_adapters_for_its_frameworks_uses_asyncio(path: Path) -> None:
    if path.is_relative_to(ROOT / "web" / "clients"):
        return
    assert "asyncio" not in {name[0] for name in imported(path)}


@pytest.mark.parametrize("path", files("persistence", "web"), ids=name_of)
def test_a_package_uses_of_another_only_what_that_exports(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    others = [name for name in imported(path) if name[0] in PACKAGES and name[0] != own]
    behind = [name for name in others if len(name) != 2 or name[1] not in exported(name[0])]
    assert not behind


@pytest.mark.parametrize("folder", folders(), ids=name_of)
def test_a_map_names_every_file_and_folder_of_its_package(folder: Path) -> None:
    children = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    children |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert sorted(the_map(folder)) == sorted(children)


@pytest.mark.parametrize("folder", folders(), ids=name_of)
def test_a_floor_imports_only_from_those_below_it(folder: Path) -> None:
    place = folder.relative_to(ROOT).parts
    floors = the_map(folder)
    upwards = []
    for number, floor in enumerate(floors):
        inside = folder / floor
        for path in [inside.with_suffix(".py")] if not inside.is_dir() else files(name_of(inside)):
            for name in imported(path):
                if name[: len(place)] == place and len(name) > len(place):
                    target = name[len(place)]
                    if target in floors and floors.index(target) > number:
                        upwards.append(f"{name_of(path)} imports {'.'.join(name)}")
    assert not upwards
