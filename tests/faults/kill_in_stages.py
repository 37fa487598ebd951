"""2. kill -9 during a WAL checkpoint, a takeover, an upgrade, the first start, a backup, a restore.

Each is killed right before each of its steps (every write, sync, cut, rename and unlink of the
files in the folder; in the quick form, some of them). Afterwards a start succeeds, and finds the
old or the new, never half.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

from attrs import frozen

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify_content
from runtime.errors import AgentRuntimeError
from tests.faults.campaign import Clock, Effort, Report
from tests.faults.stages import DB, SAVED, Stages, in_memory
from tests.faults.transactions import NOTHING, Content, content, models
from tests.persistence.builders import OldDatabase, dump
from tests.persistence.version1 import Version1

TRANSACTIONS = 24
BACKED_UP = 9
"""Transactions after which the backup is made that is restored."""
MODELS = models(TRANSACTIONS)
QUICK_KILLS = 4


@frozen
class Stage:
    """An operation, and what may be found when it was cut off."""

    what: str
    operation: str
    prepare: Callable[[Stages, Path], None]
    check: Callable[[Path, Report, str], None]


def run(effort: Effort) -> Report:
    report = Report()
    clock = Clock()
    try:
        # In memory: a kill takes nothing from the kernel.
        with Stages.running(effort.folder) as stages, in_memory(effort.folder) as folder:
            for stage in STAGES:
                _kill_at_every_step(stage, stages, folder, effort, report)
    except OSError as error:
        report.expect(False, f"not tried: {error}")
    report.figures["time"] = f"{clock.seconds:.0f} s"
    return report


def _kill_at_every_step(
    stage: Stage, stages: Stages, place: Path, effort: Effort, report: Report
) -> None:
    template = place / "template"
    template.mkdir()
    stage.prepare(stages, template)
    folder = _fresh(template)
    whole = stages.run(stage.operation, folder)
    report.expect(whole.status == 0, f"{stage.what}: failed without being killed")
    stage.check(folder, report, f"{stage.what}, to its end")
    steps = list(range(whole.operations))
    if effort.quick:
        steps = sorted(Random(7).sample(steps, min(QUICK_KILLS, len(steps))))  # noqa: S311
    for step in steps:
        folder = _fresh(template)
        ended = stages.run(stage.operation, folder, kill_at=step)
        report.expect(ended.status == -9, f"{stage.what}: not killed at step {step}")
        report.count(f"kills during {stage.what}")
        stage.check(folder, report, f"{stage.what}, killed at step {step} of {whole.operations}")
    report.expect(len(steps) > 0, f"{stage.what}: there was nothing to kill")
    shutil.rmtree(template)


def _fresh(template: Path) -> Path:
    folder = template.with_name("folder")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    return folder


def _opened(folder: Path, report: Report, when: str) -> Content | None:
    """What a start finds; it has to succeed, to be whole, and to take another transaction."""
    try:
        with closing(SQLiteStore.open(folder / DB)) as store:
            found = content(store)
            store.commit([])
        problems = verify_content(folder / DB).problems
    except AgentRuntimeError as error:
        report.expect(False, f"{when}: {error}")
        return None
    report.expect(not problems, f"{when}: {problems[:1]}")
    return found


def _leave_all_in_the_wal(stages: Stages, folder: Path) -> None:
    stages.run("leave", folder, 1, TRANSACTIONS)


def _expect_everything(folder: Path, report: Report, when: str) -> None:
    report.expect(_opened(folder, report, when) == MODELS[-1], f"{when}: not everything is there")


def _nothing(stages: Stages, folder: Path) -> None:
    """The very first start finds an empty folder."""


def _expect_an_empty_database(folder: Path, report: Report, when: str) -> None:
    report.expect(_opened(folder, report, when) == NOTHING, f"{when}: it is not empty")


def _write_as_the_guide(stages: Stages, folder: Path) -> None:
    old = OldDatabase(folder / DB)
    for number in range(40):
        text = f"{number} " + "y" * (number * 211 % 3000)
        old.session(f"s{number}", *({"role": "user", "content": text} for _ in range(number % 5)))
        old.context(f"s{number}")


def _expect_all_taken_over(folder: Path, report: Report, when: str) -> None:
    for saved in folder.glob("*.before-upgrade-*.db"):
        report.expect(len(dump(saved)) == 84, f"{when}: the backup before it is not complete")
    found = _opened(folder, report, when) or NOTHING
    sessions = len(found.living)
    report.expect(sessions == 40, f"{when}: {sessions} of 40 sessions are there")
    report.expect(found.messages == 80, f"{when}: {found.messages} of 80 messages are there")
    # More than one, if the kill came when the database had been written to already.
    saved_ones = len(list(folder.glob("*.before-upgrade-*.db")))
    report.expect(saved_ones > 0, f"{when}: no backup was made before it")


def _write_version_1(stages: Stages, folder: Path) -> None:
    old = Version1(folder / DB)
    for number in range(40):
        texts = (f"{number} " + "y" * (number * 211 % 3000) for _ in range(number % 5))
        old.session(f"s{number}", *texts, switches=[("orchestrator", "coder", "", 2)])


def _expect_all_upgraded(folder: Path, report: Report, when: str) -> None:
    found = _opened(folder, report, when) or NOTHING
    sessions = len(found.living)
    report.expect(sessions == 40, f"{when}: {sessions} of 40 sessions are there")
    report.expect(found.messages == 80, f"{when}: {found.messages} of 80 messages are there")
    saved = list(folder.glob("*.before-upgrade-*.db"))
    report.expect(len(saved) == 1, f"{when}: there are {len(saved)} databases from before it")
    for old in saved:
        rows = sum('INSERT INTO "message"' in row for row in dump(old))
        report.expect(rows == 80, f"{when}: the old database has {rows} of 80 messages")
    report.expect(not list(folder.glob("*.upgrading*")), f"{when}: half a database stays")


def _expect_a_whole_backup_or_none(folder: Path, report: Report, when: str) -> None:
    if (folder / SAVED).exists():
        problems = verify_content(folder / SAVED).problems
        report.expect(not problems, f"{when}: the backup is not whole: {problems[:1]}")
        with closing(SQLiteStore.open(folder / SAVED)) as store:
            report.expect(content(store) == MODELS[-1], f"{when}: the backup lacks something")
    _expect_everything(folder, report, when)


def _back_up_and_go_on(stages: Stages, folder: Path) -> None:
    stages.run("leave", folder, 1, BACKED_UP)
    backup(folder / DB, folder / SAVED)
    stages.run("leave", folder, BACKED_UP + 1, TRANSACTIONS)


def _expect_old_or_new(folder: Path, report: Report, when: str) -> None:
    found = _opened(folder, report, when)
    known = found in (MODELS[BACKED_UP], MODELS[-1])
    report.expect(known, f"{when}: it is neither the old nor the new")
    for kept in folder.glob("*.before-restore-*.db"):
        with closing(SQLiteStore.open(kept)) as store:
            report.expect(content(store) == MODELS[-1], f"{when}: what was kept is not complete")


def _back_up_and_lose_the_wal(stages: Stages, folder: Path) -> None:
    _back_up_and_go_on(stages, folder)
    (folder / f"{DB}-wal").unlink()


def _expect_a_refusal_or_new(folder: Path, report: Report, when: str) -> None:
    try:
        with closing(SQLiteStore.open(folder / DB)) as store:
            report.expect(content(store) == MODELS[BACKED_UP], f"{when}: less, without a word")
    except AgentRuntimeError as error:
        report.expect("lacks its last" in str(error), f"{when}: {error}")


STAGES = (
    Stage("a WAL checkpoint", "open_and_close", _leave_all_in_the_wal, _expect_everything),
    Stage("the very first start", "open_and_close", _nothing, _expect_an_empty_database),
    Stage("a takeover", "open_and_close", _write_as_the_guide, _expect_all_taken_over),
    Stage("an upgrade", "open_and_close", _write_version_1, _expect_all_upgraded),
    Stage("a backup", "back_up", _leave_all_in_the_wal, _expect_a_whole_backup_or_none),
    Stage("a restore", "put_back", _back_up_and_go_on, _expect_old_or_new),
    Stage(
        "a restore of an incomplete database",
        "put_back",
        _back_up_and_lose_the_wal,
        _expect_a_refusal_or_new,
    ),
)
