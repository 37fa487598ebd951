"""The calls, one file a subject, with what they read and answer on top.

A file is found by being here: no code lists it. It has its rows of the table as `ROUTES`, and,
where entries of the log are its subject, their classes as `ENTRIES` (what a page of the log shows)
and `ENTRIES_IN` (what a call may append), each a Struct tagged with its kind. So a new kind's
endpoints are one new file.

A map, in the order in which one file may import another:

- `sessions`     creating, reading, changing and deleting them
- `agents`       who works on a session
- `history`      the whole conversation, at once or in pieces
- `messages`     as they were sent
- `listing`      the list of sessions: filters, pages, streams
- `entries`      what the two unions of all kinds are made of
- `log`          pages of the log, and calls that append entries of several kinds
- `events`       what happens, while it happens
- `records`      values under keys
- `drafts`       messages that are still being written
- `rewind`, `fork`   going back, and branching off
- `context`      what a model is told
- `compactions`  what a model is told in the place of old messages
- `turns`        who may write for a while
- `approvals`    what somebody is asked, and what was answered
- `usage`        what was used up
- `timeline`     who worked when, and at what cost
- `search`       what was said, by its words
- `resume`       one call that opens a session
- `under_way`    whether an answer is being written
- `telling`      an answer for a user interface, while it is written
- `tails`        the newest messages, as far back as somebody needs them
- `chats`        chats of the AI SDK that a client sends
- `vercel`       what else the AI SDK asks for
- `ag_ui`        what AG-UI asks for
- `exports`      a session's whole log, out and in
- `redact`       a value gives way to a marker
- `trash`        what was deleted, and how it comes back
- `maintenance`  what an operator asks for
- `nodes`        who shares the store
- `health`       how the service is
- `routes`       all rows in one table
- `dispatch`     from a request to its answer
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def modules() -> Iterator[ModuleType]:
    """The files of this package, in the order of their names."""
    for found in iter_modules(__path__):
        yield import_module(f"{__name__}.{found.name}")
