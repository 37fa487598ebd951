import re

import benchmarks
from tests.test_imports import ROOT


def test_the_map_names_every_file_and_no_other() -> None:
    folder = ROOT / "benchmarks"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    named = set(re.findall(r"`(\w+)/?`", benchmarks.__doc__ or ""))
    assert named == files | folders
