"""Each map names the files of its folder, and no others."""

import re
from importlib import import_module

import pytest

import benchmarks
from tests.test_imports import ROOT


def test_the_map_names_every_file_and_no_other() -> None:
    folder = ROOT / "benchmarks"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    named = set(re.findall(r"`(\w+)/?`", benchmarks.__doc__ or ""))
    assert named == files | folders


@pytest.mark.parametrize("name", ["contenders", "load", "pictures"])
def test_the_map_of_a_folder_names_every_file_and_no_other(name: str) -> None:
    files = {path.stem for path in (ROOT / "benchmarks" / name).glob("*.py")} - {"__init__"}
    explanation = import_module(f"benchmarks.{name}").__doc__ or ""
    # A line begins with the files that it is about; elsewhere, other things are named.
    begins = re.findall(r"^- ((?:`\w+`(?:, )?)+)", explanation, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(begins))) == files
