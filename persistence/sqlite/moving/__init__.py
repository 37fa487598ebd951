"""The two ends of a move.

A map, in the order in which one file may import another:

- `leaving`   a database that is moved from
- `arriving`  a new database that is moved to
"""
