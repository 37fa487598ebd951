"""A node like those of `agent-runtime`, whose commits nothing fences: it commits what it has lost.

To be run as a script, in any folder.
"""

from collections.abc import Collection

from persistence.postgres.connections import Connection
from persistence.postgres.nodes.fence import Fence
from web.cli.commands import main

COUNT = "UPDATE agent_runtime.fence SET commit_seq = %s WHERE node = %s"


def pass_always(
    fence: Fence, sql: Connection, *, connection: int, commit_seq: int, shards: Collection[int]
) -> None:
    sql.execute(COUNT, (commit_seq, fence.node))


if __name__ == "__main__":
    Fence.pass_with = pass_always  # type: ignore[method-assign, assignment]
    main()
