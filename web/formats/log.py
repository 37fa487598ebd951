"""From what a transcript tells to the lines of a log, as `runtime.read_log` takes them.

Rules:

- An entry has the time that its line says, else that of what is before it. Before the first time of
  all it is that one. A time that lies ahead is none.
- Where a file says none at all, it is when the file was last changed; of one that was brought
  before, when it had been then. So it is the same log, also when it has grown, or was copied.
- A last line that is not whole is left out, and that is told: it comes with the rest of it.
- A key that comes again is none, so that both messages stay.
- What is no message that can be kept (its role, or its depth) becomes a record.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from attrs import define, field

from runtime import FORMAT, KINDS, MAX_TITLE, InvalidInput, encode
from web.formats.source import Source
from web.formats.told import Format, Told, moment_of, text

AHEAD = 1_000
"""Entries without a time that wait for the first one that has it."""


@define
class Tally:
    """What of a transcript became what."""

    messages: int = 0
    records: int = 0
    unknown: int = 0
    """Records of lines that nobody knows."""
    cut: int | None = None
    """The number of the last line, if it is not whole."""
    first: str | None = None
    last: str | None = None
    """The times of the first entry and the last."""


@define(eq=False)
class Conversation:
    """One session of a transcript."""

    source: Source
    now: datetime
    session_id: str
    begun: datetime | None = None
    """Of a file that `lacks_times`: the time that it was brought with before."""
    tally: Tally = field(factory=Tally)

    @property
    def changed(self) -> datetime:
        """When the file was, at the latest now."""
        return min(self.source.modified, self.now)

    def lacks_times(self) -> bool:
        """Whether the file says none. Raises `OSError`."""
        told = islice(self._told(self.source.format()), AHEAD)
        return not any(self._moment(one) for one, _, _ in told)

    @property
    def heading(self) -> dict[str, Any]:
        """The first line of the log."""
        return {"format": FORMAT, "session_id": self.session_id}

    def lines(self) -> Iterator[tuple[bytes, int]]:
        """The entries' lines, each with the bytes of the file that it takes one to.

        Raises `OSError`.
        """
        known: set[str] = set()
        seq, is_titled = 0, False
        for told, number, at, done in self._timed():
            for one in (told, *(_titles(told) if not is_titled else ())):
                is_titled |= one.kind == "settings" and "title" in one.body
                seq += 1
                yield self._line(seq, one, number, at, known), done

    def _line(self, seq: int, told: Told, number: int, at: str, known: set[str]) -> bytes:
        key, kind, body = told.key, told.kind, b""
        if kind == "message":
            key = None if key in known else key
            try:
                body = encode(told.body, "message")
                KINDS[kind].arrived(key, body)
            except InvalidInput:
                kind = "record"
            else:
                self.tally.messages += 1
        elif kind == "settings":
            body = encode(told.body, "settings")
            try:
                KINDS[kind].arrived(None, body)
            except InvalidInput:
                kind = "record"
        if kind == "record":
            self.tally.records += 1
            self.tally.unknown += told.is_unknown or told.kind != "record"
            key, again = f"{self.source.format.name}/{number:08}", 1
            while key in known:
                again += 1
                key = f"{self.source.format.name}/{number:08}-{again}"
            body = _value(told.body)
        self.tally.first = self.tally.first or at
        self.tally.last = at
        line: dict[str, Any] = {"seq": seq, "kind": kind, "at": at}
        if key is not None:
            known.add(key)
            line["key"] = key
        return msgspec.json.encode({**line, "body": msgspec.Raw(body)})

    def _timed(self) -> Iterator[tuple[Told, int, str, int]]:
        """What is told, with its line's number, its time, and the bytes up to there."""
        reader = self.source.format()
        made_up = self.begun or self.changed
        last: datetime | None = None
        waiting: list[tuple[Told, int, int]] = []
        for told, number, done in self._told(reader):
            moment = self._moment(told)
            if moment is None and last is None and len(waiting) < AHEAD:
                waiting.append((told, number, done))
                continue
            last = moment or last or made_up
            for early in waiting:
                yield early[0], early[1], moment_text(last), early[2]
            waiting.clear()
            yield told, number, moment_text(last), done
        for early in waiting:
            yield early[0], early[1], moment_text(made_up), early[2]

    def _moment(self, told: Told) -> datetime | None:
        moment = moment_of(told.at)
        return None if moment is None or moment > self.now else moment

    def _told(self, reader: Format) -> Iterator[tuple[Told, int, int]]:
        for line, done in self.source.lines():
            if line.is_cut:
                self.tally.cut = line.number
                return
            if not line.is_json:
                yield Told(kind="record", body=line.value, is_unknown=True), line.number, done
                continue
            for told in reader.tell(line):
                yield told, line.number, done


def moment_text(moment: datetime) -> str:
    """A time as a log has it."""
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def _value(value: Any) -> bytes:
    """A record's body: the value, or its text where it nests too deeply to be kept."""
    body = encode({"value": value}, "record")
    try:
        KINDS["record"].arrived("k", body)
    except InvalidInput:
        return encode({"value": encode(value, "record").decode()}, "record")
    return body


def _titles(told: Told) -> Iterable[Told]:
    """What the session is called, if nobody says: how the first thing that a user said begins."""
    if told.kind != "message" or told.body.get("role") != "user":
        return ()
    said = _said(told.body).strip()
    if not said or said.startswith("<"):  # what programs put before it
        return ()
    line = said.splitlines()[0]
    title = line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
    return (Told(kind="settings", body={"title": title}, at=told.at),)


LONGEST = min(MAX_TITLE, 80)
"""Characters of a title that is made."""


def _said(sent: dict[str, Any]) -> str:
    content = sent.get("content", sent.get("parts"))
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    found = [text(part.get("text")) for part in parts if isinstance(part, dict)]
    return next((said for said in found if said), "")
