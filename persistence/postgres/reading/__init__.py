"""The reading half of the store.

A map, in the order in which one file may import another:

- `entries`     of a life: the newest, by number, by key
- `standing`    what is not in the log: drafts, and who waits
- `listing`     the list of sessions
- `trash`       what was deleted
- `used`        what was used, in all sessions
- `superseded`  where records were written again
- `reader`      PostgresReader: all of these, also beside running nodes
"""
