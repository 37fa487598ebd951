"""The tables, and their rows.

A map, in the order in which one file may import another:

- `look`     the places of entries: by number, and by key
- `entries`  reads them
- `rows`     the values of a new row
- `views`    the published views
- `used`     what was used: sums for each life
- `schema`   the tables, and what marks a database as ours
"""
