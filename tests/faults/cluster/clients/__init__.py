"""Who uses the nodes, by all ways.

- `ways`       the addresses, and one who calls
- `book`       what was written and shown, and what every later call has to know
- `writers`, `readers`, `families`  who writes, reads, forks and deletes
- `judge`      whether all that was acknowledged is there, and lies for that
- `following`  who follows sessions
- `found`      what each node and the database have in the end
- `crowd`      all of them at work
"""
