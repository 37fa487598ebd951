"""A service like `agent-runtime` that refuses at once, whatever its refusals rest on.

The bug that this puts in was one of the real ones: while the disk is locked, a second DELETE is
answered 404, and after a crash the session is there. To be run as a script, in any folder.
"""

from typing import Any

from runtime.actors.mailbox import Command
from web.cli.commands import main

begin = Command.__init__


def begin_hastily(self: Command[Any], *arguments: Any, **options: Any) -> None:
    begin(self, *arguments, **{**options, "confirm_refusal": False})


if __name__ == "__main__":
    Command.__init__ = begin_hastily  # type: ignore[method-assign]
    main()
