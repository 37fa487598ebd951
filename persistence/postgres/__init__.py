"""The store on a server: a PostgreSQL database, which many processes may share.

It needs psycopg (the extra `postgres`), which is imported by whoever opens such a store, and by
nobody else. A map, in the order in which one file or folder may import another:

- `text`         texts as the tables have them
- `arrays`       columns of values, to be sent in bulk
- `address`      where a database is, and what may be said of it
- `errors`       which error of PostgreSQL means what
- `connections`  every connection is opened here
- `views`        the published views
- `schema`       the tables, and what marks them as ours
- `rows`         rows of the tables, on their way in and out
- `readers`      connections for reading, each for one thread at a time
- `index`        the index of words
- `reading`      the reading half, also beside running nodes
- `writing`      puts deltas into the tables
- `nodes`        who owns what, and who may write
- `alone`        a database that no node uses
- `upgrading`    tables of an earlier release become those of today
- `auditing`     reads sessions for an audit
- `verify`       finds out whether a database is whole
- `copying`      rows, to be written in the fastest way
- `leaving`      a database that is moved from
- `arriving`     a database that is moved to
- `store`        PostgresStore
- `place`        what can be done with such a database, for the front door
"""
