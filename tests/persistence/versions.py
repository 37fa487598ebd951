"""Databases of schema versions 2 to 4, as the releases that had them left them.

Their tables are those of today, without the sums of usage, and before version 4 without those of
turns and drafts. In version 2 each entry had a
row of its own in `look`, and the views counted on that; no index said which entries are no
messages, and no form which records are removals.
"""
# ruff: noqa: S608 -- nothing in the statements comes from outside

from pathlib import Path

from tests.persistence.builders import change, place_each

_COUNTING = """
       FROM json_each(coalesce((SELECT intervals FROM settings WHERE settings.no = session.no),
                               '[[1,null]]')) AS interval
            CROSS JOIN look
            ON look.no = session.no
           AND look.k >= (SELECT value FROM json_each(interval.value) WHERE key = 0)
           AND look.k <= coalesce((SELECT value FROM json_each(interval.value) WHERE key = 1),
                                  4294967295)
            CROSS JOIN entry ON entry.id = look.id
"""
_VIEWS = (
    f"""
    CREATE VIEW sessions AS
    SELECT session_id,
           (SELECT '[' || coalesce(group_concat(body, ','), '') || ']'
              FROM (SELECT body {_COUNTING} WHERE kind = 'message' ORDER BY look.k)) AS messages,
           last_activity,
           created_at
      FROM session WHERE deleted_at IS NULL
    """,
    f"""
    CREATE VIEW agent_contexts AS
    SELECT session_id,
           current_agent,
           (SELECT json_group_array(json_object(
                       'from', json_extract(body, '$.from'), 'to', json_extract(body, '$.to'),
                       'reason', json_extract(body, '$.reason'), 'timestamp', at))
              FROM (SELECT body, at {_COUNTING} WHERE kind = 'switch' ORDER BY look.k))
               AS agent_history,
           coalesce((SELECT metadata FROM settings WHERE settings.no = session.no), '{{}}')
               AS context_metadata,
           created_at,
           last_switch_at,
           switch_count
      FROM session WHERE deleted_at IS NULL
    """,
)


def make_version_4(path: Path) -> None:
    """Makes a closed database of today one of schema version 4, with the same content."""
    change(path, "DROP TABLE used")
    change(path, "DELETE FROM _sqlite_migrations WHERE name = 'sums_of_usage'")
    change(path, "PRAGMA user_version = 4")


def make_version_3(path: Path) -> None:
    """Makes a closed database of today one of schema version 3, with the same content.

    It has neither turns nor drafts, and nobody is waited for.
    """
    make_version_4(path)
    change(path, "DROP TABLE standing")
    change(path, "DROP TABLE draft")
    change(path, "DELETE FROM _sqlite_migrations WHERE name = 'standing_and_drafts'")
    change(path, "PRAGMA user_version = 3")


def make_version_2(path: Path) -> None:
    """Makes a closed database of today one of schema version 2, with the same content."""
    place_each(path)
    change(path, "DROP VIEW sessions")
    change(path, "DROP VIEW agent_contexts")
    for view in _VIEWS:
        change(path, view)
    make_version_3(path)
    change(path, "DROP INDEX entry_outline")
    change(path, "UPDATE entry SET form = form & ~16 WHERE kind = 'record'")
    change(path, "DELETE FROM _sqlite_migrations WHERE name IN ('views_of_runs', 'outlines')")
    change(path, "PRAGMA user_version = 2")
