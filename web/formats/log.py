"""From what a transcript tells to the lines of a log, as `runtime.read_log` takes them.

Rules:

- An entry has the time that its line says, else that of what is before it. Before the first time of
  all it is that one; where a file says none, it is when the file was last changed.
- A time that lies ahead is nobody's: then, too, it is when the file was changed, at the latest now.
- A key that comes again is none, so that both messages stay.
- What is no message that can be kept (its role, or its depth) becomes a record.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from attrs import define, field, frozen

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
    first: str | None = None
    last: str | None = None
    """The times of the first entry and the last."""


@frozen(eq=False)
class Conversation:
    """One session of a transcript."""

    source: Source
    now: datetime
    session_id: str
    tally: Tally = field(factory=Tally)

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
        changed = min(self.source.modified, self.now)
        last: datetime | None = None
        waiting: list[tuple[Told, int, int]] = []
        for told, number, done in self._told(reader):
            moment = moment_of(told.at)
            if moment is not None and moment > self.now:
                moment = changed
            if moment is None and last is None and len(waiting) < AHEAD:
                waiting.append((told, number, done))
                continue
            last = moment or last or changed
            for early in waiting:
                yield early[0], early[1], _text(last), early[2]
            waiting.clear()
            yield told, number, _text(last), done
        for early in waiting:
            yield early[0], early[1], _text(changed), early[2]

    def _told(self, reader: Format) -> Iterator[tuple[Told, int, int]]:
        for line, done in self.source.lines():
            if not line.is_json:
                yield Told(kind="record", body=line.value, is_unknown=True), line.number, done
                continue
            for told in reader.tell(line):
                yield told, line.number, done


def _text(moment: datetime) -> str:
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
