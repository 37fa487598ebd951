"""How the log shows an exception: where it arose, and its type, whoever logged it.

Never its message, nor notes, which may quote what a user wrote. The lines of code that a traceback
shows quote nobody, nor does the number of an operating system's error, which is shown as its name.
"""

import copy
import logging
from collections.abc import Iterator
from errno import errorcode
from traceback import format_tb
from types import TracebackType

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class WithoutValues(logging.Formatter):
    """Formats records so."""

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_text:  # another handler's formatter was here first, and left its text
            record = copy.copy(record)
            record.exc_text = None
        return super().format(record)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 -- logging's own name
        return "" if ei[1] is None else "\n".join(_lines(ei[1], set()))


def _lines(error: BaseException, seen: set[int], margin: str = "") -> Iterator[str]:
    """A traceback's lines: what came before an exception first, as Python has it."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen, margin)
        yield f"{margin}and then, because of that or while it was dealt with:"
    for frame in format_tb(error.__traceback__):
        yield from (margin + line for line in frame.splitlines())
    number = errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    yield margin + (f"{kind} ({number})" if number else kind)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _lines(inner, seen, margin + "  | ")
