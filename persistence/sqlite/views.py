"""The published views: the guide's tables, over ours. Whoever reads from outside reads these.

They show living sessions, and of those what counts: the entries within the settings' intervals. The
intervals are joined as ranges of numbers, so that of a rewound session nothing else is read.
"""

# json_each() alone takes the intervals apart: SQLite refuses the other functions of JSON within a
# view to whoever does not trust the schema, and messages are to be read by anybody.
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

SESSIONS = f"""
CREATE VIEW sessions AS
SELECT session_id,
       (SELECT '[' || coalesce(group_concat(body, ','), '') || ']'
          FROM (SELECT body {_COUNTING} WHERE kind = 'message' ORDER BY look.k)) AS messages,
       last_activity,
       created_at
  FROM session WHERE deleted_at IS NULL
"""  # noqa: S608 (no value of anybody's is in it)

AGENT_CONTEXTS = f"""
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
"""  # noqa: S608 (no value of anybody's is in it)
