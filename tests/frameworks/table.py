"""The rows of docs/frameworks.md: those of frameworks that were run are made anew."""

from collections.abc import Mapping
from pathlib import Path

from tests.frameworks.about import About
from tests.frameworks.runs import Outcome

BEGIN = "<!-- frameworks-table: begin -->"
END = "<!-- frameworks-table: end -->"

HEAD = (
    "| framework | adapter, below `web.clients` | keeps | when a call has returned | suite "
    "| passed here | on its own store | own tests |",
    "|---|---|---|---|---|---|---|---|",
)


def row(about: About, outcome: Outcome) -> str:
    """One framework, and what came of it."""
    anchor = about.title.lower().replace(" ", "-")
    cells = (
        f"[{about.title}](#{anchor})",
        f"`{about.adapter.removeprefix('web.clients.')}`",
        about.keeps,
        about.durability,
        about.suite,
        _said(outcome.ours),
        f"{_said(outcome.peer)} ({about.peer})" if outcome.peer else "",
        _said(outcome.own),
    )
    return f"| {' | '.join(cells)} |"


def write(document: Path, rows: Mapping[str, str]) -> None:
    """Puts rows, by their titles, into the document's table, in the order of its headings."""
    text = document.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    kept = {line.split("]")[0].removeprefix("| ["): line for line in old.splitlines()}
    titles = [line.removeprefix("## ") for line in after.splitlines() if line.startswith("## ")]
    if strange := set(rows).difference(titles):
        raise ValueError(f"{document} has no section for {', '.join(sorted(strange))}")
    lines = [known[title] for title in titles if title in (known := {**kept, **rows})]
    table = "\n".join((*HEAD, *lines))
    document.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def _said(counts: object) -> str:
    return "" if counts is None else str(counts)
