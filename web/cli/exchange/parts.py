"""A log cut into parts, each of which one call takes: what is taken stands, and the next goes on.

A part is read here before it is sent, so that what is wrong is found without anybody being asked,
and the next part can say what it goes on from.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from attrs import frozen

from runtime import ArrivingLog, InvalidInput, MiB, read_log, tag
from web.cli.exchange.reading import FileLine, FileSession

SIZE = 4 * MiB
"""Bytes of a part, or one line's more: a quarter of what a service takes by default."""

COUNT = 5_000
"""Entries of a part."""

_LINE = re.compile(r"^line (\d+): ")


@frozen(eq=False)
class Part:
    """What one call takes."""

    text: bytes
    log: ArrivingLog
    """The same, read."""
    numbers: list[int]
    """The file's line for each line of the text."""
    done: int
    """Bytes of the file up to its end."""

    def in_file(self, problem: str) -> str:
        """What is wrong with a line of this part, by its number in the file."""
        return _in_file(problem, self.numbers)


def parts_of(session: FileSession) -> Iterator[Part]:
    """The parts, in order. Raises `InvalidInput`, naming the line of the file, and `OSError`."""
    after: str | None = None
    waiting: list[FileLine] = []
    size = 0
    for line in session.lines:
        if waiting and (size + len(line.text) > SIZE or len(waiting) == COUNT):
            part = _part(session, after, waiting, is_last=False)
            yield part
            after = tag(part.log.last, part.log.chain(part.log.last))
            waiting, size = [], 0
        waiting.append(line)
        size += len(line.text) + 1
    yield _part(session, after, waiting, is_last=True)


def _part(session: FileSession, after: str | None, lines: list[FileLine], *, is_last: bool) -> Part:
    heading: dict[str, Any] = dict(session.heading)
    if after is not None:
        heading["after"] = after
    if not is_last:
        heading.pop("through", None)
        heading["floor"] = 0  # the last part says it
    texts = [msgspec.json.encode(heading), *(line.text for line in lines)]
    text = b"\n".join((*texts, b""))
    numbers = [session.number, *(line.number for line in lines)]
    try:
        log = read_log(text)
    except InvalidInput as error:
        raise InvalidInput(_in_file(str(error), numbers)) from None
    return Part(text, log, numbers, lines[-1].done if lines else 0)


def _in_file(problem: str, numbers: list[int]) -> str:
    found = _LINE.match(problem)
    if found is None or int(found[1]) > len(numbers):
        return problem
    return f"line {numbers[int(found[1]) - 1]}: {problem[found.end() :]}"
