"""The index of words, in tables of its own beside the others.

Rules:

- It follows from the log and from nothing else. It has no part in the schema's version: where its
  tables are missing, of another form, or of another database, they are made anew, by whichever node
  is first. `verify` and `move` pass it by.
- Each node fills it with what it has committed, behind the commits, in transactions of its own.
  These need not pass the fence: two nodes that take the same entry write the same row.
- Which entries it has it says by life, with the chain of the last one. So who comes to own a shard
  goes on where the former owner was.
- Every node searches all of it. Who searches first takes what other nodes have just written and not
  taken yet: so what was said through one node is found through another.

A map, in the order in which one file may import another:

- `tables`   the tables, and which database they are of
- `words`    words and queries, as PostgreSQL writes them
- `filling`  takes entries, and forgets lives
- `finding`  finds entries
- `index`    PostgresIndex
"""
