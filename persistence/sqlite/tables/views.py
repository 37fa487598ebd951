"""The published views: the guide's tables, over ours. Whoever reads from outside reads these.

They show living sessions, and of those what counts: the entries within the settings' intervals. The
intervals are joined as ranges of numbers, so that of a rewound session nothing else is read.
"""

# An interval is `first.value` to `last.value`. Its entries lie in runs (see `look`): its first one
# may lie in a run that begins before it, and the last run ends with the session. `+` keeps SQLite
# from making an index of all entries for what only compares.
#
# json_each() alone takes the intervals apart: SQLite refuses the other functions of JSON within a
# view to whoever does not trust the schema, and messages are to be read by anybody.
_COUNTING = """
       FROM json_each(coalesce((SELECT intervals FROM settings WHERE settings.no = session.no),
                               '[[1,null]]')) AS interval
            CROSS JOIN json_each(interval.value) AS first ON first.key = 0
            CROSS JOIN json_each(interval.value) AS last ON last.key = 1
            CROSS JOIN look AS run
            ON run.no = session.no
           AND run.k >= coalesce((SELECT max(k) FROM look
                                   WHERE look.no = session.no AND k <= first.value), 0)
           AND run.k <= min(coalesce(last.value, version), version)
            CROSS JOIN entry
            ON entry.id >= run.id + max(first.value - run.k, 0)
           AND entry.id <= run.id - run.k
               + min(coalesce(last.value, version), version,
                     coalesce((SELECT k - 1 FROM look
                                WHERE look.no = session.no AND look.k > run.k ORDER BY k LIMIT 1),
                              version))
           AND +entry.no = session.no AND +entry.seq = run.k + entry.id - run.id
"""

SESSIONS = f"""
CREATE VIEW sessions AS
SELECT session_id,
       (SELECT '[' || coalesce(group_concat(body, ','), '') || ']'
          FROM (SELECT body {_COUNTING} WHERE +kind = 'message' ORDER BY seq)) AS messages,
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
          FROM (SELECT body, at {_COUNTING} WHERE +kind = 'switch' ORDER BY seq))
           AS agent_history,
       coalesce((SELECT metadata FROM settings WHERE settings.no = session.no), '{{}}')
           AS context_metadata,
       created_at,
       last_switch_at,
       switch_count
  FROM session WHERE deleted_at IS NULL
"""  # noqa: S608 (no value of anybody's is in it)
