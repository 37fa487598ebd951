"""6. Damaged files: whatever happens to them, never a silent start with less than was acknowledged.

A process commits numbered transactions and is killed (-9), so the database has some of them, and
the WAL the others. Then the files are damaged in many ways. A start either refuses, and says why
and how to restore, or it serves all that was acknowledged. After a refusal, a backup is restored.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from attrs import frozen

from persistence import SQLiteStore
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.opening.restore import restore
from runtime.errors import AgentRuntimeError, CannotOpenStore
from tests.faults.campaign import Clock, Effort, Report
from tests.faults.stages import DB, SAVED, Stages, in_memory
from tests.faults.transactions import Content, content, models

TRANSACTIONS = 40
BACKED_UP = 9
"""Transactions in the older one of two backups."""
CHECKPOINTED = 34
"""Transactions that are in the database file; the others are in the WAL."""
MODELS = models(TRANSACTIONS)
PAGE = 4096
WAL, SHM, SEQ = f"{DB}-wal", f"{DB}-shm", f"{DB}.seq"
OLD_COPY = "old_copy"
"""Made with `cp`, by somebody, of a stopped service's database."""


@frozen
class Damage:
    """Something that happens to the files in a folder."""

    what: str
    do: Callable[[Path], None]
    one_of_many: bool = False
    """Whether there are so many like it that restoring is tried after others only."""


def run(effort: Effort) -> Report:
    report = Report()
    clock = Clock()
    try:
        with in_memory(effort.folder) as place:
            template = place / "template"
            template.mkdir()
            with Stages.running(effort.folder) as stages:
                _prepare(stages, template)
            for damage in _damages(template, effort):
                _try(damage, template, place / "folder", report)
    except OSError as error:
        report.expect(False, f"not tried: {error}")
    report.figures["time"] = f"{clock.seconds:.0f} s"
    return report


def _prepare(stages: Stages, folder: Path) -> None:
    stages.run("commit", folder, 1, BACKED_UP, "FULL", 1000)
    backup(folder / DB, folder / SAVED)
    shutil.copy(folder / DB, folder / OLD_COPY)
    stages.run("commit", folder, BACKED_UP + 1, CHECKPOINTED, "FULL", 1000)
    stages.run("leave", folder, CHECKPOINTED + 1, TRANSACTIONS)
    assert (folder / WAL).stat().st_size > 0


def _try(damage: Damage, template: Path, folder: Path, report: Report) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    damage.do(folder)
    report.count("kinds and places of damage")
    try:
        with closing(SQLiteStore.open(folder / DB)) as store:
            found = content(store)
    except CannotOpenStore as refusal:
        report.count("of these, refused")
        _expect_a_way_out(refusal, damage, folder, report)
        return
    except AgentRuntimeError as error:
        report.count("of these, refused when read")
        report.expect("damaged" in str(error), f"{damage.what}: {error}")
        return
    if found == MODELS[-1]:
        report.count("of these, harmless")
    elif found.outline != MODELS[-1].outline:
        report.expect(False, f"{damage.what}: started with less, without a word")
    else:
        _expect_named(damage, found, folder, report)


def _expect_named(damage: Damage, found: Content, folder: Path, report: Report) -> None:
    """A letter has become another one, which SQLite's pages, without checksums, do not show.

    The chain of the log does, to whoever asks: `verify` names the session and the entry.
    """
    whole = MODELS[-1].living
    changed = [name for name, stored in found.living.items() if stored != whole[name]]
    said = " ".join(verify(folder / DB).problems)
    report.count("of these, letters changed inside a text, named by verify")
    for name in changed:
        named = f"Session {name!r}" in said
        report.expect(named, f"{damage.what}: {name} has changed, and verify says: {said[:200]}")
    report.expect(bool(said), f"{damage.what}: something has changed, and verify finds nothing")


def _expect_a_way_out(
    refusal: CannotOpenStore, damage: Damage, folder: Path, report: Report
) -> None:
    report.expect(DB in refusal.problem, f"{damage.what}: it does not name the file: {refusal}")
    command = f"agent-runtime restore {folder / SAVED} --db {folder / DB}"
    report.expect(command in refusal.hint, f"{damage.what}: it does not say how to restore")
    if damage.one_of_many:
        return
    try:
        restore(folder / SAVED, folder / DB)
        with closing(SQLiteStore.open(folder / DB)) as store:
            report.expect(content(store) == MODELS[BACKED_UP], f"{damage.what}: not restored")
        report.expect(verify(folder / DB).ok, f"{damage.what}: restored, and not whole")
        report.count("restored")
    except AgentRuntimeError as error:
        report.expect(False, f"{damage.what}: cannot be restored: {error}")


def _damages(template: Path, effort: Effort) -> Iterator[Damage]:
    sizes = {name: (template / name).stat().st_size for name in (DB, WAL)}
    random = Random(5)  # noqa: S311 -- the same damage every time
    yield Damage("deleted database", _deletion(DB))
    yield Damage("deleted WAL", _deletion(WAL))
    yield Damage("deleted shared memory", _deletion(SHM))
    yield Damage("deleted witness", _deletion(SEQ))
    yield Damage("overwritten header", _overwriting(DB, 0, b"\xee" * 100))
    yield Damage("zeroed header", _overwriting(DB, 0, bytes(100)))
    yield Damage("overwritten WAL header", _overwriting(WAL, 0, b"\xee" * 32))
    yield Damage("overwritten witness", _overwriting(SEQ, 30, b"?"))
    yield Damage("emptied witness", _cutting(SEQ, 0))
    yield Damage("swapped-in old backup, with the WAL", _swap(SAVED, with_wal=True))
    yield Damage("swapped-in old backup, without the WAL", _swap(SAVED, with_wal=False))
    yield Damage("swapped-in old copy, with the WAL", _swap(OLD_COPY, with_wal=True))
    yield Damage("swapped-in old copy, without the WAL", _swap(OLD_COPY, with_wal=False))
    yield Damage("replaced by text", _replacement(b"A letter to my friends. " * 400))
    for name, size in sizes.items():
        cuts = {0, 1, 100, 512, PAGE - 1, PAGE, PAGE + 1, size // 2, size - PAGE, size - 1}
        cuts |= {random.randrange(size) for _ in range(effort.of(full=40, quick=3))}
        for cut in sorted(cuts):
            yield Damage(f"{name} cut to {cut} bytes", _cutting(name, cut))
        pages = range(0, size - PAGE, PAGE)
        for at in random.sample(pages, min(len(pages), effort.of(full=30, quick=3))):
            yield Damage(f"{name} zeroed at {at}", _overwriting(name, at, bytes(PAGE)))
            garbage = random.randbytes(PAGE)
            yield Damage(f"{name} garbage at {at}", _overwriting(name, at, garbage))
        for _ in range(effort.of(full=1_000, quick=20)):
            at, bit = random.randrange(size), random.randrange(8)
            yield Damage(f"{name}, bit {bit} of byte {at} flipped", _flip(name, at, bit), True)


def _deletion(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _cutting(name: str, size: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, size)


def _overwriting(name: str, at: int, data: bytes) -> Callable[[Path], None]:
    def overwrite(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.seek(at)
            file.write(data)

    return overwrite


def _flip(name: str, at: int, bit: int) -> Callable[[Path], None]:
    def flip(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.seek(at)
            [byte] = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ 1 << bit]))

    return flip


def _replacement(data: bytes) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        (folder / DB).write_bytes(data)

    return replace


def _swap(name: str, *, with_wal: bool) -> Callable[[Path], None]:
    def swap(folder: Path) -> None:
        shutil.copyfile(folder / name, folder / DB)
        if not with_wal:
            (folder / WAL).unlink()

    return swap
