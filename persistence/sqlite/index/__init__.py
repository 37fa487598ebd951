"""The index of words of a database: a file of its own beside it, filled behind the commits.

Rules:

- It follows from the database and from nothing else. A file that is missing, damaged, of another
  form or of another database is made anew; nobody copies, restores or moves it.
- A restored database, and one that takes another's place, has another `identity` (see `schema`).
  So the index of the former one is not taken for its own.
- It is ahead of the database never, and behind it often: what it takes is committed. Which entries
  it has it says by life, with the chain of the last one. So it catches up by comparing, whatever
  happened in between.
- Whether a life is living, and an entry counts, the database says at the time of a search: both are
  read on one connection.

A map, in the order in which one file may import another:

- `tables`   the file, its tables, and which database it is of
- `filling`  takes entries, and forgets lives
- `finding`  finds entries
- `index`    SQLiteIndex
"""
