"""What is behind the nodes.

- `database`  a PostgreSQL on loopback, with fsync on
- `pair`      a primary and its synchronous standby
- `clock`     a wall clock that jumps
- `bouncer`   PgBouncer in transaction mode
- `wire`      what PostgreSQL and its clients say to each other
- `proxy`     gates: a node's way to the database
- `taps`      what a gate does to a transaction
"""
