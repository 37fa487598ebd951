"""The upgrade from schema version 1, in processes of its own: killed at every step, on small disks.

Whatever happens, the name has the old database or the new one, complete; and a start succeeds.
"""

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
import trio

from persistence import SQLiteStore
from persistence.sqlite.checking.verify import verify, verify_content
from persistence.sqlite.tables.schema import SCHEMA_VERSION
from runtime import Message, open_runtime
from runtime.session.entries.forms import shown_json
from tests.faults.small_disk import SmallDisk
from tests.faults.stages import DB, Stages, in_memory
from tests.persistence.builders import dump, query
from tests.persistence.version1 import Version1

UPGRADE = """
import sys
from pathlib import Path
from persistence.sqlite.store import SQLiteStore
from runtime.errors import CannotOpenStore
try:
    SQLiteStore.open(Path(sys.argv[1])).close()
except CannotOpenStore as error:
    print(error)
else:
    print("upgraded")
"""


def fill(database: Version1) -> None:
    """Sessions of some pages, with everything that there was."""
    for number in range(12):
        messages = [
            {"role": "user", "content": f"{n} " + "ж" * (n * 311 % 900), "id": f"m{n}", "at": n}
            for n in range(number % 5)
        ]
        switches = [("orchestrator", "coder", "why", 1)] if number % 3 else []
        database.session(f"s{number}", *messages, switches=switches, metadata='{"n":1}')


def histories(path: Path) -> dict[str, bytes]:
    """What a service shows, in the form that `Version1.histories` has."""
    shown: dict[str, bytes] = {}

    async def look() -> None:
        async with open_runtime(store) as runtime:
            for (session_id,) in ids:
                found = await runtime.session(session_id).history()
                shown[session_id] = shown_json(found.entries.shown())

    with closing(SQLiteStore.open(path)) as store:
        ids = query(path, "SELECT session_id FROM session WHERE deleted_at IS NULL")
        trio.run(look)
    return shown


# -- in the runtime ----------------------------------------------------------------------------


def test_the_runtime_shows_what_the_release_showed_and_goes_on(tmp_path: Path) -> None:
    database = Version1(tmp_path / DB)
    fill(database)
    before = database.histories()
    assert histories(database.path) == before

    async def go_on() -> None:
        async with open_runtime(store) as runtime:
            session = runtime.session("s4")
            repeated = await session.append(Message(role="user", content="0 ", id="m0"))
            assert repeated.repeated
            added = await session.append(Message(role="user", content="more"))
            assert added.message_count == 5
            context = await session.agent_context()
            assert [switch.to_agent for switch in context.agent_history] == ["coder"]
            assert context.metadata == {"n": 1}

    with closing(SQLiteStore.open(database.path)) as store:
        trio.run(go_on)
    assert verify(database.path).ok


# -- killed ------------------------------------------------------------------------------------


@pytest.fixture
def stages(tmp_path: Path) -> Iterator[Stages]:
    try:
        with Stages.running(tmp_path) as running:
            yield running
    except OSError as error:
        pytest.skip(str(error))


def test_killed_at_any_step_it_leaves_the_old_or_the_new_and_is_begun_anew(
    stages: Stages, tmp_path: Path
) -> None:
    with in_memory(tmp_path) as place:
        template, folder = place / "template", place / "folder"
        template.mkdir()
        database = Version1(template / DB)
        fill(database)
        with database.last_in_the_wal("in the WAL", "one"):
            shutil.copytree(template, folder)
        shutil.rmtree(template)
        folder.rename(template)
        before = database.histories()
        old = dump(database.path)
        shutil.copytree(template, folder)
        whole = stages.run("open_and_close", folder)
        assert whole.status == 0
        found: set[int] = set()
        for step in range(whole.operations):
            shutil.rmtree(folder)
            shutil.copytree(template, folder)
            assert stages.run("open_and_close", folder, kill_at=step).status == -9
            [(version,)] = query(folder / DB, "PRAGMA user_version")
            found.add(version)
            if version == 1:
                assert dump(folder / DB) == old, f"killed at {step}"
            assert histories(folder / DB) == before, f"killed at {step}"
            assert verify_content(folder / DB).ok, f"killed at {step}"
            [kept] = folder.glob("*.before-upgrade-*.db")
            assert dump(kept) == old, f"killed at {step}"
            assert not (folder / f"{DB}.upgrading").exists()
    assert found == {1, SCHEMA_VERSION}


# -- on small disks ----------------------------------------------------------------------------


def in_another_process(path: Path, *before: str, file_size: int | None = None) -> str:
    """What a start there says."""

    def limit() -> None:
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    return subprocess.run(
        [*before, sys.executable, "-c", UPGRADE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=limit,
        cwd=Path(__file__).parent.parent,
    ).stdout


@pytest.mark.parametrize("kilobytes", [40, 150, 300])
def test_a_disk_that_becomes_full_leaves_the_old_database(tmp_path: Path, kilobytes: int) -> None:
    # No file may become larger, which to the upgrade is the same; half a megabyte is needed.
    database = Version1(tmp_path / DB)
    for number in range(100):
        database.session(f"s{number}", *(f"{n} " + "x" * 400 for n in range(10)))
    before = dump(database.path)
    said = in_another_process(database.path, file_size=kilobytes * 1024)
    assert "no room for its upgrade" in said
    assert "MiB of free disk" in said
    assert dump(database.path) == before
    assert not database.path.with_name(f"{DB}.upgrading").exists()
    SQLiteStore.open(database.path).close()
    assert verify(database.path).ok


MEGABYTES = 10
"""Of the small disk."""


@pytest.mark.parametrize(("times", "fits"), [(2.2, True), (1.5, False)])
def test_a_disk_of_so_many_times_the_database_is_large_enough(
    tmp_path: Path, times: float, fits: bool
) -> None:
    database = Version1(tmp_path / DB)
    number = 0
    while database.path.stat().st_size * times < MEGABYTES * 1024 * 1024 - 64 * 1024:
        texts = (f"{n} " + "x" * (100 + n * 37 % 400) for n in range(300))
        database.session(str(UUID(int=number)), *texts)
        number += 1
    (tmp_path / "disk").mkdir()
    try:
        disk = SmallDisk.mount(tmp_path / "disk", megabytes=MEGABYTES)
    except OSError as error:
        pytest.skip(str(error))
    with disk:
        seen = Path(f"/proc/{disk.holder.pid}/root{disk.folder}")
        for end in ("", ".seq"):
            shutil.copy(f"{database.path}{end}", seen)
        said = in_another_process(disk.folder / DB, *disk.command)
        assert said == "upgraded\n" if fits else "no room for its upgrade" in said
        left = {place.name for place in seen.iterdir()}
        if not fits:
            assert left == {DB, f"{DB}.seq", f"{DB}.lock"}
