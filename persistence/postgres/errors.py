"""Which error of PostgreSQL means what: one session is at fault, or it will pass.

The codes are PostgreSQL's (its manual, appendix A), and two of our own, which `expect` raises (see
`schema`). Whether what was sent is committed is another question, which the writer answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from runtime import StoreError, StoreUnavailable

OWNERSHIP_LOST = "AR001"
OUT_OF_STEP = "AR002"
"""A delta does not follow on what is stored."""

PYTHONS_DATA_FAULTS = (AttributeError, OverflowError, TypeError, ValueError)
"""Of values that cannot be written: a lone surrogate, an integer beyond 64 bits, a wrong type."""

_DATA_CLASSES = (
    "22",  # a value that its column does not take
    "23",  # a constraint
    "54",  # a limit of the server: a key that is too long for an index
    "P0",  # a trigger that somebody added refuses it
)


def is_data_fault(error: BaseException) -> bool:
    """Whether the error lies in the values of some session, and not in the store."""
    if not isinstance(error, psycopg.Error):
        return isinstance(error, PYTHONS_DATA_FAULTS)
    code = error.sqlstate
    if code is None:  # psycopg's own: it cannot write a value down
        return isinstance(error, psycopg.DataError | psycopg.ProgrammingError)
    return code == OUT_OF_STEP or code[:2] in _DATA_CLASSES


def said_by(error: BaseException) -> str:
    """What the error says, in one line."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return f"{error.diag.message_primary} ({error.sqlstate})"
    return " ".join(str(error).split()) or type(error).__name__


def store_error(error: psycopg.Error) -> StoreError:
    """What an error that is no data fault means for the store, if nothing was written.

    All of them can pass: a server comes back, a disk is given room, a page is repaired. Of damage
    only those hear who read what is damaged.
    """
    return StoreUnavailable(f"The database does not answer now: {said_by(error)}")


@contextmanager
def as_store_errors() -> Iterator[None]:
    """Raises psycopg's errors from within as `StoreError`."""
    try:
        yield
    except psycopg.Error as error:
        raise store_error(error) from error
