"""A PostgreSQL server for tests, campaigns and benchmarks: started by them, and gone with them.

In the order in which one may import another:

- `guard`      runs a command, and ends it with whoever started it
- `account`    whom a server runs as, and where it may lie
- `programs`   where PostgreSQL's programs are found, and how one is run
- `server`     a server in a folder of its own, on a Unix socket
- `databases`  fresh databases on a server, whoever started that
- `cutting`    a proxy that loses connections at a chosen byte
- `pooler`     PgBouncer in front of one
- `fixtures`   `databases` and `database`, for pytest
"""
