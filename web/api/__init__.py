"""The endpoints, one file a subject, with what they read and answer on top.

A file is found by being here: no code lists it. It has `blueprint(runtime)`, and, where entries of
the log are its subject, their classes as `ENTRIES` (what a page of the log shows) and `ENTRIES_IN`
(what a call may append), each a Struct tagged with its kind. So a new kind's endpoints are one new
file.

A map, in the order in which one file may import another:

- `entries`      what the two unions of all kinds are made of
- `log`          pages of the log, and calls that append entries of several kinds
- `records`      values under keys
- `rewind`, `fork`   going back, and branching off
- `trash`        what was deleted, and how it comes back
- `maintenance`  what an operator asks for
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from quart import Blueprint

from runtime import Runtime


def modules() -> Iterator[ModuleType]:
    """The files of this package, in the order of their names."""
    for found in iter_modules(__path__):
        yield import_module(f"{__name__}.{found.name}")


def blueprints(runtime: Runtime) -> Iterator[Blueprint]:
    """The endpoints of each of them."""
    for module in modules():
        if hasattr(module, "blueprint"):
            yield module.blueprint(runtime)
