"""How a command ends that cannot do what it was asked: with a message, and an exit code."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from runtime import CannotOpenStore, LostOwnership, StoreBroken, StoreError
from web.cli.watch import Exit
from web.problems import CannotAsk, CannotServe

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of a command that CTRL_C ended, as shells have it."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turns the errors that an operator can meet into a message and an exit code."""
    code: Exit | None = None
    try:
        yield
    except* (CannotServe, CannotAsk, CannotOpenStore) as group:
        code = _fail(Exit.CANNOT_START, group)
    except* LostOwnership as group:
        code = _fail(Exit.LOST_OWNERSHIP, group)
    except* StoreBroken as group:
        code = _fail(Exit.STORE_BROKEN, group)
    except* StoreError as group:
        code = _fail(Exit.NOT_WRITTEN, group)
    if code is not None:
        sys.exit(code)


def _fail(code: Exit, group: BaseExceptionGroup[Exception]) -> Exit:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    click.echo(f"agent-runtime: {error}", err=True)
    return code
