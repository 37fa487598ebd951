"""3. Power loss: every state of the disk that a lost cache could leave.

A process commits numbered transactions, and is recorded: each write, sync and rename of the
database's files, and each acknowledgement. After every prefix of that, the disk may hold none, all,
or any part of what was not synced yet. A start on such a disk has to find, with
`synchronous=FULL`, all that was acknowledged; with `NORMAL` the state after some transaction, and
the witness tells if it is an earlier one than it knows of. A backup, a restore, a takeover and an
upgrade leave the old or the new.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from attrs import frozen

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from persistence.sqlite.guards import witness
from persistence.sqlite.tables.schema import mark_of
from runtime.errors import AgentRuntimeError, CannotOpenStore
from tests.faults.campaign import Clock, Effort, Report
from tests.faults.recording import (
    Choice,
    Disk,
    Operation,
    everything,
    nothing,
    read_log,
    some,
)
from tests.faults.stages import DB, SAVED, Stages, in_memory
from tests.faults.transactions import Content, content, models
from tests.persistence.builders import OldDatabase
from tests.persistence.version1 import Version1

TRANSACTIONS = 40
CHECKPOINT_PAGES = 25
"""Small, so that the WAL is copied into the database, and begun anew, several times."""
BACKED_UP = 9
MODELS = models(TRANSACTIONS)


@frozen
class Scenario:
    """What is done, and what may be found when the power fails in between."""

    what: str
    prepare: Callable[[Stages, Path], None]
    operation: str
    arguments: tuple[object, ...]
    check: Callable[[Path, int, Report, str], None]
    """Given the number of transactions acknowledged so far."""
    share: float
    """Of all the states that are tried."""


def run(effort: Effort) -> Report:
    report = Report()
    clock = Clock()
    log = effort.folder / "log"
    try:
        with in_memory(effort.folder) as place, Stages.running(effort.folder, log) as stages:
            for scenario in SCENARIOS:
                wanted = round(scenario.share * effort.of(full=6_000, quick=110))
                _replay(scenario, stages, place, log, wanted, report)
    except OSError as error:
        report.expect(False, f"not tried: {error}")
    report.figures["time"] = f"{clock.seconds:.0f} s"
    return report


def _replay(
    scenario: Scenario, stages: Stages, place: Path, log: Path, wanted: int, report: Report
) -> None:
    folder = place / "recorded"
    folder.mkdir()
    scenario.prepare(stages, folder)
    before = Disk.of(folder), Disk.of(folder)
    log.write_bytes(b"")
    ended = stages.run(scenario.operation, folder, *scenario.arguments)
    report.expect(ended.status == 0, f"{scenario.what}: failed with the power on")
    operations = list(read_log(log))
    seen: set[tuple[int, int]] = set()
    for number, (acknowledged, state) in enumerate(_states(*before, operations, wanted)):
        identity = hash(tuple(sorted(state.items()))), acknowledged
        if identity in seen:
            continue
        seen.add(identity)
        report.count("different states of the disk")
        report.count(f"of these, during {scenario.what}")
        scenario.check(
            _materialized(state, place / "state"),
            acknowledged,
            report,
            f"{scenario.what}, state {number}",
        )
    shutil.rmtree(folder)


def _states(
    disk: Disk, rehearsed: Disk, operations: list[Operation], wanted: int
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """What may be found, and how many transactions had been acknowledged by then."""
    moments = 0
    for operation in operations:
        rehearsed.do(operation)
        moments += rehearsed.uncertain
    random = Random(11)  # noqa: S311 -- the same states every time
    acknowledged = 0
    for operation in operations:
        if operation.kind == "M":
            acknowledged = int(operation.data)
        disk.do(operation)
        if not disk.uncertain:
            continue
        number = wanted // moments + (random.random() < wanted / moments % 1)
        fates: list[tuple[Choice, float]] = [(nothing, 0.0), (everything, 1.0)]
        fates += [(some(random), random.random()) for _ in range(max(1, number - 2))]
        for choice, names in random.sample(fates, number):
            yield acknowledged, disk.after(choice, names)


def _materialized(state: dict[str, bytes], folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in state.items():
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    return folder


def _opened(folder: Path) -> tuple[int, Content]:
    """How many transactions a start finds, and what else."""
    with closing(SQLiteStore.open(folder / DB, quick_check="always")) as store:
        return mark_of(store._db.conn).commit_seq, content(store)


def _expect_all_acknowledged(folder: Path, acknowledged: int, report: Report, when: str) -> None:
    try:
        number, found = _opened(folder)
    except AgentRuntimeError as error:
        report.expect(False, f"{when}: {error}")
        return
    enough = acknowledged <= number <= acknowledged + 1
    report.expect(enough, f"{when}: {acknowledged} were acknowledged, {number} are there")
    report.expect(found == MODELS[number], f"{when}: it is not what {number} transactions leave")


def _expect_a_consistent_prefix(folder: Path, acknowledged: int, report: Report, when: str) -> None:
    known = witness.read(folder / DB)
    loss = None
    try:
        _opened(shutil.copytree(folder, folder.with_name("witnessed"), dirs_exist_ok=True))
    except CannotOpenStore as error:
        loss = str(error)
    finally:
        shutil.rmtree(folder.with_name("witnessed"))
    witness.place_of(folder / DB).unlink(missing_ok=True)
    try:
        number, found = _opened(folder)
    except AgentRuntimeError as error:
        report.expect(False, f"{when}: {error}")
        return
    report.expect(number <= acknowledged + 1, f"{when}: {number} were never committed")
    report.expect(found == MODELS[number], f"{when}: it is not what {number} transactions leave")
    behind = bool(known) and number < max(mark.commit_seq for mark in known or ())
    report.expect(behind == (loss is not None), f"{when}: the witness said {loss}")
    if behind:
        report.count("losses in NORMAL, all told by the witness")


def _nothing(stages: Stages, folder: Path) -> None:
    """The scenario begins in an empty folder."""


def _fill_and_back_up(stages: Stages, folder: Path) -> None:
    stages.run("leave", folder, 1, BACKED_UP)
    backup(folder / DB, folder / SAVED)
    stages.run("leave", folder, BACKED_UP + 1, TRANSACTIONS)
    (folder / f"{DB}-shm").unlink()


def _expect_old_or_new(folder: Path, acknowledged: int, report: Report, when: str) -> None:
    try:
        number, found = _opened(folder)
    except AgentRuntimeError as error:
        report.expect(False, f"{when}: {error}")
        return
    report.expect(number in (BACKED_UP, TRANSACTIONS), f"{when}: it has {number} transactions")
    report.expect(found == MODELS[number], f"{when}: it is neither the old nor the new")


def _write_as_the_guide(stages: Stages, folder: Path) -> None:
    old = OldDatabase(folder / DB)
    for number in range(12):
        text = f"{number} " + "y" * (number * 211 % 3000)
        old.session(f"s{number}", {"role": "user", "content": text})


def _expect_all_taken_over(folder: Path, acknowledged: int, report: Report, when: str) -> None:
    try:
        _, found = _opened(folder)
    except AgentRuntimeError as error:
        report.expect(False, f"{when}: {error}")
        return
    complete = list(found.outline.values()) == [1] * 12
    report.expect(complete, f"{when}: not everything was taken over")


def _write_version_1(stages: Stages, folder: Path) -> None:
    old = Version1(folder / DB)
    for number in range(12):
        text = f"{number} " + "y" * (number * 211 % 3000)
        old.session(f"s{number}", text, switches=[("orchestrator", "coder", "", 2)])


def _expect_all_upgraded(folder: Path, acknowledged: int, report: Report, when: str) -> None:
    try:
        _, found = _opened(folder)
    except AgentRuntimeError as error:
        report.expect(False, f"{when}: {error}")
        return
    complete = list(found.outline.values()) == [2] * 12
    report.expect(complete, f"{when}: not everything was upgraded")


SCENARIOS = (
    Scenario(
        "commits with FULL",
        _nothing,
        "commit",
        (1, TRANSACTIONS, "FULL", CHECKPOINT_PAGES),
        _expect_all_acknowledged,
        0.5,
    ),
    Scenario(
        "commits with NORMAL",
        _nothing,
        "commit",
        (1, TRANSACTIONS, "NORMAL", CHECKPOINT_PAGES),
        _expect_a_consistent_prefix,
        0.2,
    ),
    Scenario("a restore", _fill_and_back_up, "put_back", (), _expect_old_or_new, 0.1),
    Scenario("a takeover", _write_as_the_guide, "open_and_close", (), _expect_all_taken_over, 0.1),
    Scenario("an upgrade", _write_version_1, "open_and_close", (), _expect_all_upgraded, 0.1),
)
