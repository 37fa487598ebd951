"""The report says what the results say: no budget is missing, and a missed one looks like it."""

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

import benchmarks.__main__
from benchmarks import report
from benchmarks.measure import CURVE, Spread
from benchmarks.pictures.gallery import COLOURS, PICTURES, Panel, Picture, Series
from benchmarks.report import DOCUMENT, renew
from benchmarks.results import DISTRIBUTION, Results, Row, read
from benchmarks.table import BUDGETS, SUITES

DOCUMENT_TEXT = DOCUMENT.read_text(encoding="utf-8")


def made_up(suite: str = "runtime") -> Results:
    return Results(
        suite=suite,
        command=f"python -m benchmarks.{suite} --rounds 3",
        machine={"processor": "an abacus", "fsync": "9 s for a page"},
        finished="2025-12-31T08:45:00+00:00",
        seconds=143.2,
    )


def note(
    results: Results, work: str, who: str, unit: str, values: Sequence[float], **more: Any
) -> None:
    results.rows.append(Row(work=work, who=who, unit=unit, values=values, **more))


def line_of(text: str, *parts: str) -> str:
    """The only line of the text that has all of these parts."""
    [line] = [line for line in text.splitlines() if all(part in line for part in parts)]
    return line


# The budgets' table


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ((1.0, 2.0, 9.0), "2 × | 1 × … 9 × | ✓ met |"),
        ((1.0, 3.5, 3.6), "**3.5 ×** | 1 × … 3.6 × | ❌ **MISSED** |"),
    ],
)
def test_a_budget_is_met_or_missed_by_its_median(values: tuple[float, ...], outcome: str) -> None:
    results = made_up()
    results.judged["append_snapshot"] = Spread(values)
    line = line_of(report.budgets({"runtime": results}), BUDGETS["append_snapshot"].work)
    assert f"{BUDGETS['append_snapshot'].bound} | {outcome}" in line


def test_the_budgets_are_counted_and_what_nobody_measured_is_shown_as_such() -> None:
    results = made_up()
    results.judged["append_snapshot"] = Spread([1.0])
    results.judged["append_commit"] = Spread([99.0])
    text = report.budgets({"runtime": results})
    missing = len(BUDGETS) - 2
    assert text.startswith(f"**1 met, 1 missed, {missing} not measured**")
    assert text.count("|  |  | **not measured** |") == missing
    assert text.count("MISSED") == text.count("✓ met") == 1


def test_where_and_how_it_was_measured_is_below_the_budgets() -> None:
    line = line_of(report.budgets({"growth": made_up("growth")}), "- growth: ")
    assert "`python -m benchmarks.growth --rounds 3`, 2025-12-31T08:45:00+00:00, took 143 s" in line
    assert "processor an abacus; fsync 9 s for a page" in line


# The other tables


def test_a_row_is_a_line_with_its_median_and_its_spread() -> None:
    results = made_up()
    note(results, "work", "one | two", "s", [0.003, 0.001, 0.002], note="as it is")
    line = line_of(report.figures(results), "work", "one")
    assert line == "| work | one \\| two | 2 ms (1 ms … 3 ms) | as it is |"


def test_works_that_have_x_in_common_share_a_table() -> None:
    results = made_up()
    for x in (1_000_000, 0):
        note(results, "append, by length", "we", "s", [2, 1, 3], x=x, note="synced")
    note(results, "bytes, by length", "we", "B", [2_048], x=0)
    assert report.figures(results).splitlines() == [
        "| … by length | who | 0 | 1,000,000 | note |",
        "| --- | --- | --- | --- | --- |",
        "| append | we | 2 s<br>(1 s … 3 s) | 2 s<br>(1 s … 3 s) | synced |",
        "| bytes | we | 2 KiB<br>(2 KiB … 2 KiB) |  |  |",
    ]


def test_a_curve_whose_notes_differ_is_listed_point_by_point() -> None:
    results = made_up()
    note(results, "memory", "we", "B", [10], x=0, note="of 20 B")
    note(results, "memory", "we", "B", [30], x=3, note="of 40 B")
    text = report.figures(results)
    assert line_of(text, "memory, at 0") == "| memory, at 0 | we | 10 B (10 B … 10 B) | of 20 B |"
    assert line_of(text, "memory, at 3").endswith("| of 40 B |")


def test_distributions_are_in_no_table() -> None:
    results = made_up()
    note(results, f"work{DISTRIBUTION}", "we", "s", [1.0], x=0.5)
    assert report.figures(results) == ""


# The document


def test_the_document_has_every_budget() -> None:
    table = DOCUMENT_TEXT.partition("<!-- budgets: begin -->")[2].partition("<!-- budgets: end")[0]
    for budget in BUDGETS.values():
        assert f"| {budget.work} | {budget.bound} |" in table


def test_every_picture_that_the_document_names_exists() -> None:
    named = re.findall(r"!\[[^]]+\]\(([^)]+)\)", DOCUMENT_TEXT)
    assert named
    assert [name for name in named if not (DOCUMENT.parent / name).is_file()] == []


def test_every_heading_that_the_document_links_to_exists() -> None:
    headings = {
        heading.lower().replace(" ", "-")
        for heading in re.findall("^#+ (.+)$", DOCUMENT_TEXT, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", DOCUMENT_TEXT)) <= headings


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A copy."""
    copy = tmp_path / "docs" / "performance.md"
    copy.parent.mkdir()
    shutil.copy(DOCUMENT, copy)
    return copy


def prose(text: str) -> str:
    """What is not generated."""
    return re.sub("(begin -->\n).*?(\n<!--)", r"\1\2", text, flags=re.DOTALL)


def test_without_results_the_document_says_so_and_keeps_its_prose(
    document: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    renew(document, tmp_path)
    text = document.read_text(encoding="utf-8")
    assert prose(text) == prose(DOCUMENT_TEXT)
    assert f"{len(BUDGETS)} not measured" in text
    assert text.count("\nNot measured yet.\n") == len(SUITES) + len(PICTURES)


def test_the_document_is_up_to_date(document: Path) -> None:
    pytest.importorskip("matplotlib")
    renew(document)
    assert document.read_text(encoding="utf-8") == DOCUMENT_TEXT


def test_results_come_into_the_document_and_again_change_nothing(
    document: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    results = made_up()
    note(results, "a work of its own", "we", "s", [1.0])
    results.write(tmp_path)
    renew(document, tmp_path)
    once = document.read_text(encoding="utf-8")
    assert "| a work of its own | we |" in once
    renew(document, tmp_path)
    assert document.read_text(encoding="utf-8") == once


def test_without_matplotlib_it_says_what_to_do_and_changes_nothing(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.pictures.drawing", None)
    with pytest.raises(SystemExit, match=r"pip install '\.\[bench\]'"):
        renew(document, tmp_path)
    assert document.read_text(encoding="utf-8") == DOCUMENT_TEXT


def test_a_document_without_a_place_for_the_budgets_is_refused(
    document: Path, tmp_path: Path
) -> None:
    document.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for budgets"):
        renew(document, tmp_path)


# The pictures


@pytest.mark.parametrize(("durable", "hollow"), [(False, True), (True, False), (None, False)])
def test_a_bar_is_hollow_if_a_power_cut_can_take_what_was_acknowledged(
    durable: bool | None, hollow: bool, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.pictures.drawing import draw

    series = Series("appends", "we", "we", COLOURS[0])
    panel = Panel("bars", "Appends", [series])
    picture = Picture("bar", "runtime", "A bar", [panel])
    results = made_up()
    note(results, "appends", "we", "/s", [1.0, 2.0], durable=durable)
    file = tmp_path / "bar.svg"
    assert draw(picture, results, file)
    bar = re.search(r"<path[^>]*style=\"([^\"]*)\"", file.read_text().partition("patch_3")[2])
    assert bar is not None
    assert ("fill: none" in bar[1]) is hollow


def every_series() -> Iterator[tuple[Picture, Panel, Series]]:
    for picture in PICTURES:
        for panel in picture.panels:
            for series in panel.series:
                yield picture, panel, series


def results_for(picture: Picture) -> Results:
    """Everything that the picture can show."""
    results = made_up(picture.suite)
    for panel in picture.panels:
        for number, series in enumerate(panel.series, start=1):
            if panel.kind == "bars":
                note(
                    results, series.work, series.who, "/s", [number, number * 1_000], note="made up"
                )
            elif panel.kind == "distribution":
                for share in CURVE:
                    values = [number + share, number + 2 * share]
                    work = f"{series.work}{DISTRIBUTION}"
                    note(results, work, series.who, "s", values, x=share)
            else:
                for x in (0, 10, 1_000):
                    note(results, series.work, series.who, "s", [number, number + x], x=x)
    return results


@pytest.mark.parametrize("suite", SUITES)
def test_every_line_and_every_bar_was_measured(suite: str) -> None:
    results = read(suite)
    if results is None:
        pytest.skip("there are no results of this suite")
    missing = [
        f"{picture.name}: {series.work}: {series.who}"
        for picture, panel, series in every_series()
        if picture.suite == suite and not series.rows(results, panel.kind)
    ]
    assert missing == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_names_all_that_it_shows_and_is_the_same_for_the_same_results(
    picture: Picture, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.pictures.drawing import draw

    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    assert draw(picture, results_for(picture), first)
    assert draw(picture, results_for(picture), second)
    assert first.read_bytes() == second.read_bytes()
    texts = {element.text for element in ET.parse(first).iter() if element.text}  # noqa: S314
    assert {panel.title for panel in picture.panels} <= texts
    assert {series.label for panel in picture.panels for series in panel.series} <= texts


def test_of_nothing_no_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.pictures.drawing import draw

    assert not draw(PICTURES[0], made_up(), tmp_path / "none.svg")
    assert not list(tmp_path.iterdir())


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """How well one is seen on the other, from 1 to 21, as WCAG defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_every_colour_is_seen_on_a_light_page_and_on_a_dark_one(page: str) -> None:
    assert min(contrast(colour, page) for colour in COLOURS) >= 3.5


def test_names_are_moved_as_little_as_keeps_them_apart() -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.pictures.drawing import apart

    assert apart([50, 10, 30], gap=10) == [50, 10, 30]
    assert apart([20, 20, 90], gap=10) == [15, 25, 90]
    assert apart([21, 20, 20, 34], gap=10) == [28.75, 8.75, 18.75, 38.75]


# The command


def test_a_suite_that_fails_ends_all_and_is_named(tmp_path: Path) -> None:
    command = ["peers", "runtime", "--quick", "--python", str(tmp_path / "none")]
    result = CliRunner().invoke(benchmarks.__main__.main, command)
    assert result.exit_code == 1
    assert "peers failed with exit code 1" in result.output
    assert "benchmarks runtime" not in result.output
