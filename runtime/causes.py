"""Errors that leave the nurseries of this package as themselves."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sole_cause(nurseries: int) -> Iterator[None]:
    """Lets a single error leave as itself, from within so many nurseries.

    They are ours; the groups that they wrap errors in are no business of the caller's.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        cause: BaseException = group
        for _ in range(nurseries):
            if isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
                cause = cause.exceptions[0]
        if cause is group:
            raise
        context = cause.__context__
        try:
            raise cause
        finally:
            cause.__context__ = context  # not the group, which `raise` has put there
