"""Reads what was used: of all lives, by place."""

from collections.abc import Iterator

from persistence.postgres.connections import Connection
from persistence.postgres.text import shown, stored
from persistence.used import GONE, UsedRow, amount, page, rows
from runtime import UsedPage, UsedPlace

_TOTALS = """
SELECT name, sum(high), sum(low), sum(part) FROM agent_runtime.used
 WHERE day BETWEEN %s AND %s GROUP BY name ORDER BY name
"""
# One place more than is shown says whether there are more.
_PAGE = """
WITH place AS MATERIALIZED
     (SELECT DISTINCT day, agent, model FROM agent_runtime.used
       WHERE day BETWEEN %s AND %s AND (day, agent, model) > (%s, %s, %s)
       ORDER BY day, agent, model LIMIT %s)
SELECT day, agent, model, name, sum(high), sum(low), sum(part)
  FROM place JOIN agent_runtime.used USING (day, agent, model)
 GROUP BY day, agent, model, name ORDER BY day, agent, model, name
"""
_BEFORE_ALL: UsedPlace = ("", "", "")
_OF_GONE = """
SELECT day, agent, model, name, sum(high), sum(low), sum(part) FROM agent_runtime.used
 WHERE no = 0 OR no IN (SELECT no FROM agent_runtime.session WHERE deleted_at = '')
 GROUP BY day, agent, model, name
"""
_OF_LIVES = """
SELECT no, day, agent, model, name, high, low, part FROM agent_runtime.used
 WHERE no > %s AND no <= %s ORDER BY no, day, agent, model, name
"""


def used(
    connection: Connection, since: str, until: str, limit: int, after: UsedPlace | None
) -> UsedPage:
    """What was used on these days, in all lives. The caller holds a read transaction."""
    place = [stored(text) for text in after or _BEFORE_ALL]
    totals = connection.execute(_TOTALS, (since, until))
    found = connection.execute(_PAGE, (since, until, *place, limit + 1))
    return page(
        ((shown(name), amount(*sums)) for name, *sums in totals.fetchall()),
        (
            ((day, shown(agent), shown(model), shown(name)), amount(*sums))
            for day, agent, model, name, *sums in found.fetchall()
        ),
        limit,
    )


def of_gone(connection: Connection) -> Iterator[UsedRow]:
    """What those lives have used that are gone, or that are on their way."""
    found = connection.execute(_OF_GONE).fetchall()
    amounts = {
        (day, shown(agent), shown(model), shown(name)): amount(*sums)
        for day, agent, model, name, *sums in found
    }
    return rows(GONE, amounts)


def of_lives(connection: Connection, after: int, last: int) -> dict[int, list[UsedRow]]:
    """The rows of the lives of these numbers."""
    lives: dict[int, list[UsedRow]] = {}
    for no, day, agent, model, name, *sums in connection.execute(_OF_LIVES, (after, last)):
        row = UsedRow(no, day, shown(agent), shown(model), shown(name), *sums)
        lives.setdefault(no, []).append(row)
    return lives
