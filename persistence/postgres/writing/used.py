"""What was used: sums for each life. Appends without usage do not touch them.

Integers are two columns (see `persistence.used`), which the server adds up itself: so nothing has
to be fetched before a report is written, and COMMIT can leave with it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from persistence.postgres import rows
from persistence.postgres.connections import Connection
from persistence.used import rows as rows_of
from runtime import Amounts

_ADDING = """
    ON CONFLICT (no, day, agent, model, name) DO UPDATE
   SET high = u.high + excluded.high + ((u.low + excluded.low) >> 32),
       low = (u.low + excluded.low) & 4294967295,
       part = CASE WHEN excluded.part IS NULL THEN u.part
                   ELSE coalesce(u.part, 0) + excluded.part END
"""
_ADD = f"""
INSERT INTO agent_runtime.used AS u (no, day, agent, model, name, high, low, part)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s::bigint[], %s, %s::float8[])
{_ADDING}
"""  # noqa: S608 (statements of our own)
# All nodes that purge add to the rows of what is gone: in one order, so none waits for another one
# that waits for it.
_LET_GO = f"""
WITH first AS (
    SELECT no, day, agent, model, name FROM agent_runtime.used
     WHERE no = ANY(%s) ORDER BY no, day, agent, model, name LIMIT %s),
gone AS (
    DELETE FROM agent_runtime.used AS l USING first AS s
     WHERE l.no = s.no AND l.day = s.day AND l.agent = s.agent AND l.model = s.model
       AND l.name = s.name
    RETURNING l.day, l.agent, l.model, l.name, l.high, l.low, l.part)
INSERT INTO agent_runtime.used AS u (no, day, agent, model, name, high, low, part)
SELECT 0, day, agent, model, name, (sum(high) + div(sum(low), 4294967296))::bigint,
       mod(sum(low), 4294967296)::bigint, sum(part)
  FROM gone GROUP BY day, agent, model, name ORDER BY day, agent, model, name
{_ADDING}
"""  # noqa: S608 (the same)


def add(
    execute: Callable[[str, Sequence[Any]], object], some: Sequence[tuple[int, Amounts]]
) -> None:
    """Adds what lives have used, each once, with its number. Nothing is fetched."""
    found = [row for no, amounts in some for row in rows_of(no, amounts)]
    if found:
        execute(_ADD, rows.used(found))


def let_go(connection: Connection, lives: Sequence[int], most: int) -> None:
    """Adds what lives have used to what those have that are gone: at most so many rows of it."""
    connection.execute(_LET_GO.encode(), (list(lives), most))
