"""What is shipped: a wheel with the three packages, their types, and the command."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

import runtime

ROOT = Path(runtime.__file__).parent.parent
PACKAGES = ("runtime", "persistence", "web")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # A file that is deleted and not committed yet is still listed.
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    """The wheel, built from a clean copy, without the network."""
    source = tmp_path_factory.mktemp("source")
    for file in tracked_files():
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, source / file)
    built = tmp_path_factory.mktemp("wheels")
    build = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"),
            *("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", built, source),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    [file] = built.iterdir()
    with ZipFile(file) as opened:
        yield opened


def metadata(wheel: ZipFile, name: str) -> str:
    [place] = [entry for entry in wheel.namelist() if entry.endswith(f".dist-info/{name}")]
    return wheel.read(place).decode()


def test_it_holds_every_file_of_the_three_packages_and_nothing_else(wheel: ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == {str(file) for file in tracked_files() if file.parts[0] in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(wheel: ZipFile, package: str) -> None:
    assert f"{package}/py.typed" in wheel.namelist()


def test_it_installs_the_command(wheel: ZipFile) -> None:
    assert metadata(wheel, "entry_points.txt").split("\n")[:2] == [
        "[console_scripts]",
        "agent-runtime = web.cli.entrance:main",
    ]


def test_its_top_level_names_are_the_three_packages(wheel: ZipFile) -> None:
    assert sorted(metadata(wheel, "top_level.txt").split()) == sorted(PACKAGES)


def test_it_is_for_any_machine_with_python_3_11_or_newer(wheel: ZipFile) -> None:
    assert "Tag: py3-none-any" in metadata(wheel, "WHEEL")
    assert "Requires-Python: >=3.11" in metadata(wheel, "METADATA")


def test_the_licence_comes_along(wheel: ZipFile) -> None:
    assert metadata(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_text()
