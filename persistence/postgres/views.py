"""The published views: the guide's tables, over ours. Whoever reads from outside reads these.

They show living sessions, and of those what counts: the entries within the settings' intervals. An
id that has U+0000 is shown as it is stored (see `text`), as PostgreSQL has no such text.
"""

_COUNTING = """
  FROM json_array_elements(coalesce((SELECT t.intervals FROM agent_runtime.settings AS t
                                      WHERE t.no = s.no), '[[1,null]]')::json) AS i (interval)
  JOIN agent_runtime.entry AS e
    ON e.no = s.no AND e.seq BETWEEN (i.interval ->> 0)::bigint
                                 AND least((i.interval ->> 1)::bigint, s.version)
"""

SESSIONS = f"""
CREATE VIEW agent_runtime.sessions AS
SELECT s.session_id,
       (SELECT '[' || coalesce(string_agg(e.body, ',' ORDER BY e.seq), '') || ']'
          {_COUNTING} WHERE e.kind = 'message') AS messages,
       s.last_activity,
       s.created_at
  FROM agent_runtime.session AS s WHERE s.deleted_at IS NULL
"""  # noqa: S608 (no value of anybody's is in it)

# A switch's body has `from`, `to` and `reason`, which is what the guide shows, and no space outside
# of texts: so the time is put in before its last bracket. PostgreSQL's functions of JSON would not
# read a text that has U+0000.
AGENT_CONTEXTS = f"""
CREATE VIEW agent_runtime.agent_contexts AS
SELECT s.session_id,
       s.current_agent,
       (SELECT '[' || coalesce(string_agg(left(e.body, -1) || ',"timestamp":"' || e.at || '"}}',
                                          ',' ORDER BY e.seq), '') || ']'
          {_COUNTING} WHERE e.kind = 'switch') AS agent_history,
       coalesce((SELECT t.metadata FROM agent_runtime.settings AS t WHERE t.no = s.no), '{{}}')
           AS context_metadata,
       s.created_at,
       s.last_switch_at,
       s.switch_count
  FROM agent_runtime.session AS s WHERE s.deleted_at IS NULL
"""  # noqa: S608 (no value of anybody's is in it)
