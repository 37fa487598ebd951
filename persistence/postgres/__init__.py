"""The store that many processes share: a PostgreSQL database.

A map, in the order in which one file or folder may import another (a test enforces it):

- `nodes`        the processes that share it: who owns what, and who may commit
"""
