"""What is read.

A map, in the order in which one file may import another:

- `listing`      the list of sessions
- `trash`        what was deleted
- `standing`     what is not in the log: how sessions stand, and drafts
- `superseded`   where records were written again
- `reader`       SQLiteReader: the reading half, also beside a running service
"""
