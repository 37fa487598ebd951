"""Runs the campaigns: `python -m tests.faults [--quick] [--write FILE] [NAME …]`."""

import argparse
import importlib
import json
import pkgutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import asdict

import tests.faults
from tests.faults.campaign import Campaign, Clock, Effort, Report

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def campaigns() -> dict[str, Campaign]:
    """All of them, by name, in the order of the number that their docstrings begin with."""
    found = []
    for module in pkgutil.iter_modules(tests.faults.__path__):
        loaded = importlib.import_module(f"tests.faults.{module.name}")
        if hasattr(loaded, "run") and module.name != "__main__":
            assert loaded.__doc__ is not None
            found.append((int(loaded.__doc__.split(".")[0]), module.name, loaded.run))
    return {name: run for _, name, run in sorted(found)}


def conduct(name: str, *, quick: bool) -> Report:
    """Runs one campaign and prints what came of it."""
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix=f"faults-{name}-") as folder:
        report = campaigns()[name](Effort(quick, Path(folder)))
    print(f"{name}: {'VIOLATED' if report.violations else 'held'} ({clock.seconds:.0f} s)")
    for what, times in report.tried.items():
        print(f"    {what}: {times:,}")
    for what, value in report.figures.items():
        print(f"    {what}: {value}")
    for violation in report.violations[:20]:
        print(f"    ! {violation}")
    sys.stdout.flush()
    return report


def conduct_all(names: list[str], *, quick: bool) -> dict[str, Report]:
    """Runs the campaigns one after the other, and the soak beside them: it only takes its time.

    In the quick form two at a time, since most of that is Python starting.
    """
    with ThreadPoolExecutor(2 if quick else 1) as lane, ThreadPoolExecutor(1) as beside:
        running = {
            name: (beside if name == "soak" else lane).submit(conduct, name, quick=quick)
            for name in names
        }
        return {name: report.result() for name, report in running.items()}


def write(reports: dict[str, Report], document: Path) -> None:
    """Renews the figures in the document; those of campaigns that were not run stay."""
    data = document.with_suffix(".json")
    known = json.loads(data.read_text()) if data.exists() else {}
    known.update({name: asdict(report) for name, report in reports.items()})
    ordered = {name: known[name] for name in campaigns() if name in known}
    data.write_text(json.dumps(ordered, indent=1) + "\n")
    rows = ["| campaign | tried | measured | violations |", "|---|---|---|---|"]
    for name, report in ordered.items():
        tried = "<br>".join(f"{what}: {times:,}" for what, times in report["tried"].items())
        figures = "<br>".join(f"{what}: {value}" for what, value in report["figures"].items())
        rows.append(f"| {name} | {tried} | {figures} | {len(report['violations'])} |")
    text = document.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    table = "\n".join(rows)
    document.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *campaigns()], metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    reports = conduct_all(arguments.names or list(campaigns()), quick=arguments.quick)
    if arguments.write is not None:
        write(reports, arguments.write)
    sys.exit(1 if any(report.violations for report in reports.values()) else 0)


if __name__ == "__main__":
    main()
