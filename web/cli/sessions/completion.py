"""Completion in shells: the script for each, and the ids of sessions.

Only ids are offered that stand in a command line as they are, in every shell. Who may write to a
service may name its sessions: an id like `$(reboot)` must not get into a command line that only
waits for ENTER.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import closing

import click
from click.shell_completion import CompletionItem, get_completion_class

from persistence import can_be_shared, open_reader
from runtime import Listing, SessionInfo, StoreError
from web.cli.sessions.listing import Lists
from web.cli.settings import DB
from web.cli.text import cut, line

PROGRAM = "agent-runtime"
VARIABLE = "_AGENT_RUNTIME_COMPLETE"
"""Where click looks for what a shell asks, by the program's name."""

SHELLS = ("bash", "zsh", "fish")

OFFERED = 50
"""Ids at most: more than a person looks through."""

TITLE = 60
"""Columns of a title beside an id, where the shell shows it."""

_PLAIN = re.compile(r"[A-Za-z0-9_./+][A-Za-z0-9_./+-]*")
"""An id that no shell takes for something else, nor splits: bash does so at `:`, `=` and `@`."""

_HELP = """
Prints what makes the TAB key complete commands, options and ids of sessions in SHELL.

\b
bash  put into ~/.bashrc:  eval "$(agent-runtime completion bash)"
zsh   put into ~/.zshrc:   eval "$(agent-runtime completion zsh)"
fish  run once:            agent-runtime completion fish \\
                               > ~/.config/fish/completions/agent-runtime.fish

Ids are those of the database file that --db names, or AGENT_RUNTIME_DB.
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    kind = get_completion_class(shell)
    assert kind is not None, "click knows each of them"
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, PROGRAM, VARIABLE).source())


def session_ids(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Those of living sessions, the most recent first."""

    def find(store: Lists) -> Sequence[SessionInfo]:
        return store.list_sessions(Listing(prefix=incomplete), OFFERED).sessions

    return _offered(ctx, incomplete, find)


def trashed_ids(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Those in the trash, what was deleted last first."""

    def find(store: Lists) -> Sequence[SessionInfo]:
        return [trashed.info for trashed in store.trash(OFFERED).sessions]

    return _offered(ctx, incomplete, find)


def _offered(
    ctx: click.Context, incomplete: str, find: Callable[[Lists], Sequence[SessionInfo]]
) -> list[CompletionItem]:
    db = ctx.params.get("db") or DB
    try:
        # A server is not connected to for a key that was pressed.
        if can_be_shared(db):
            return []
        with closing(open_reader(db)) as reader:
            found = find(reader)
    except StoreError:  # the command itself says what is wrong
        return []
    return [
        CompletionItem(info.session_id, help=cut(line(info.title), TITLE) if info.title else None)
        for info in found
        if info.session_id.startswith(incomplete) and _PLAIN.fullmatch(info.session_id)
    ]
