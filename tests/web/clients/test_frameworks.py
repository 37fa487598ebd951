"""How the frameworks' tests are counted and shown, and that each has what it needs."""

import tomllib
from pathlib import Path

import pytest

from tests.frameworks.about import HERE, ROOT, About, about, names
from tests.frameworks.counts import Counts
from tests.frameworks.runs import Outcome
from tests.frameworks.table import BEGIN, END, row, write

ABOUT = About(
    title="Some Framework",
    adapter="web.clients.some:Store",
    extras=("clients",),
    keeps="all",
    durability="on disk",
    suite="its own",
    peer="`FileStore`",
)


def outcome(passed: int) -> Outcome:
    return Outcome(own=Counts(3, 0), ours=Counts(passed, 0), peer=Counts(7, 2), is_good=True)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{BEGIN}\n\n{END}\n\n## Other\n\n## Some Framework\n")
    return page


def test_a_row_says_what_passed_here_and_what_on_the_frameworks_own_store() -> None:
    assert row(ABOUT, outcome(9)) == (
        "| [Some Framework](#some-framework) | `some:Store` | all | on disk | its own "
        "| 9 | 7 of 9 (`FileStore`) | 3 |"
    )


def test_rows_stand_in_the_order_of_the_headings_and_the_others_stay(document: Path) -> None:
    write(document, {"Some Framework": row(ABOUT, outcome(9))})
    write(document, {"Other": "| [Other](#other) |"})
    write(document, {"Some Framework": row(ABOUT, outcome(10))})
    text = document.read_text()
    assert text.index("[Other]") < text.index("[Some Framework]")
    assert text.count("[Some Framework]") == 1
    assert "| 10 |" in text
    assert text.endswith(f"\n\n{END}\n\n## Other\n\n## Some Framework\n")


def test_a_row_without_a_section_is_refused(document: Path) -> None:
    with pytest.raises(ValueError, match="no section for Nothing"):
        write(document, {"Nothing": "| [Nothing](#nothing) |"})


def test_skipped_tests_do_not_count(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"/></testsuites>'
    )
    assert Counts.read(report) == Counts(5, 2)
    assert str(Counts(5, 2)) == "5 of 7"


def test_without_a_report_nothing_is_counted(tmp_path: Path) -> None:
    assert Counts.read(tmp_path / "none.xml") is None


@pytest.mark.parametrize("name", names())
def test_each_framework_has_an_extra_a_section_and_exact_versions(name: str) -> None:
    its = about(name)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(its.extras) <= set(project["optional-dependencies"])
    if its.in_table:
        page = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")
        assert f"\n## {its.title}\n" in page
    pins = (HERE / name / "constraints.txt").read_text().splitlines()
    assert all("==" in pin for pin in pins if not pin.startswith("#"))
