"""All of an import: files and folders, progress, and what became of them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, field

from runtime import InvalidInput
from web.cli.exchange.parts import parts_of
from web.cli.exchange.reading import FileSession, sessions_of
from web.cli.exchange.targets import Refused, Target
from web.formats import NotATranscript, moment_of, moment_text

ENDINGS = (".jsonl", ".json", ".traj")
"""Of files that are looked at in a folder."""

Progress = Callable[[int, int], None]
"""Told of the bytes that are done, and of all."""


@define
class Outcome:
    """What became of all files."""

    new: int = 0
    """Sessions that were not there before."""
    grown: int = 0
    """Sessions that were, and have become longer."""
    same: int = 0
    messages: int = 0
    records: int = 0
    unknown: int = 0
    applied: int = 0
    """Entries that were not there before."""
    cut: list[str] = field(factory=list)
    """Last lines that are not whole."""
    problems: list[str] = field(factory=list)
    skipped: list[str] = field(factory=list)
    """Files in folders that are no transcripts."""

    def lines(self) -> Iterator[str]:
        """What to tell of it."""
        sessions = self.new + self.grown + self.same
        yield (
            f"{sessions} sessions ({self.new} new, {self.grown} grown, {self.same} as before): "
            f"{self.messages} messages and {self.records} records, {self.applied} entries of them "
            "new"
        )
        if self.unknown:
            yield f"{self.unknown} lines were unknown, and are kept as records"
        if self.cut:
            yield (
                f"{len(self.cut)} files end within a line, which was left out, and comes in with "
                f"the rest of it: {_some(self.cut)}"
            )
        if self.skipped:
            yield (
                f"{len(self.skipped)} files are no transcripts, and were left out: "
                f"{_some(self.skipped)}"
            )


@define
class Import:
    """Brings files to a target."""

    _target: Target
    _format: str
    """The format's name, or `auto`."""
    _session_id: str | None
    """The id under which a session is to come in; `None`: its own."""
    _progress: Progress
    outcome: Outcome = field(factory=Outcome, init=False)

    async def run(self, paths: Iterable[Path]) -> Outcome:
        """Raises `CannotAsk`, `StoreError`: what was taken until then stands."""
        files = list(_files(paths))
        whole, done = sum(size for _, size, _ in files), 0
        for path, size, is_named in files:
            await self._file(path, done, whole, is_named)
            done += size
            self._progress(done, whole)
        return self.outcome

    async def _file(self, path: Path, before: int, whole: int, is_named: bool) -> None:
        try:
            sessions = sessions_of(path, self._format, datetime.now(UTC))
            while (session := await trio.to_thread.run_sync(next, sessions, None)) is not None:
                await self._session(path, session, before, whole)
        except NotATranscript as error:
            if is_named:
                self.outcome.problems.append(f"{path}: {error}")
            else:
                self.outcome.skipped.append(str(path))
        except InvalidInput as error:
            self.outcome.problems.append(f"{path}: {error}")
        except OSError as error:
            self.outcome.problems.append(f"{path}: {error.strerror or error}")

    async def _session(self, path: Path, session: FileSession, before: int, whole: int) -> None:
        outcome = self.outcome
        session_id = self._session_id or str(session.heading.get("session_id", ""))
        applied, began, through = 0, False, 0
        parts = parts_of(session)
        try:
            await self._time(session, session_id)
            while (part := await trio.to_thread.run_sync(next, parts, None)) is not None:
                more, is_new = await self._target.take(part, session_id)
                applied, began, through = applied + more, began or is_new, part.log.last
                self._progress(before + part.done, whole)
        except (Refused, InvalidInput) as error:
            stands = f"; entries up to {through} were taken, and stand" if through else ""
            outcome.problems.append(f"{path}: session {session_id}: {error}{stands}")
            return
        outcome.new += began
        outcome.grown += bool(applied) and not began
        outcome.same += not applied
        outcome.applied += applied
        outcome.messages += session.tally.messages
        outcome.records += session.tally.records
        outcome.unknown += session.tally.unknown
        if session.tally.cut is not None:
            outcome.cut.append(f"{path}, line {session.tally.cut}")

    async def _time(self, session: FileSession, session_id: str) -> None:
        """Gives a transcript without times those that it was brought with before."""
        told = session.transcript
        if told is not None and await trio.to_thread.run_sync(told.lacks_times):
            told.begun = moment_of(await self._target.began(session_id))
            session.heading["last_activity"] = moment_text(told.changed)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, int, bool]]:
    """The files with their sizes, those of folders too, and whether each was named itself."""
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                if found.suffix in ENDINGS and found.is_file():
                    yield found, found.stat().st_size, False
        else:
            # What is not there is said when it is to be read.
            yield path, path.stat().st_size if path.exists() else 0, True
