"""The pages name what is there: files, links, and the packages that all of it stands on.

What the README says beside that has a test of its own, and so has the example of `docs/adding.md`.
"""

import re
import tomllib
from pathlib import Path

import pytest

import runtime

ROOT = Path(runtime.__file__).parent.parent
NAMES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted(ROOT.glob("docs/*.md"))]

FOLDERS = ("runtime", "persistence", "web", "tests", "benchmarks")
FILES = [str(path.relative_to(ROOT)) for name in FOLDERS for path in (ROOT / name).rglob("*.py")]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """What a link can lead to within a page."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = text_of(page)
    examples = re.findall(r"^```python file=(\S+)$", text, re.MULTILINE)
    named = set(re.findall(r"`([\w/]+\.py)`", text)) - set(examples)
    missing = [name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in FILES)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text_of(page))
    for target, anchor in links:
        leads_to = page.parent / target if target else page
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), anchor


def test_the_table_of_packages_has_every_one_that_is_needed_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["opentelemetry"], *extras["postgres"]]
    [rows] = re.findall(
        r"^\| package \| for \|\n\|---\|---\|\n((?:\|.*\n)+)",
        text_of(ROOT / "docs" / "architecture.md"),
        re.MULTILINE,
    )
    told = {
        name.strip()
        for row in rows.splitlines()
        for name in row.strip("|").split("|")[0].split(",")
    }
    assert told == {re.split(r"[\[<>=]", name)[0] for name in needed}
