"""What stands guard over a database file, outside of SQLite.

A map, in the order in which one file may import another (a test enforces it):

- `witness`  the number of the last commit, known outside the database file
- `owner`    one process owns a database file
- `wal`      whether a WAL belongs to the database file that it lies beside
"""
