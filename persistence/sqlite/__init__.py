"""The store on disk: one SQLite file.

A map, in the order in which one file or folder may import another (a test enforces it):

- `systems`      what differs between operating systems
- `errors`       which error of SQLite means what
- `files`        private files and folders, and the names of what lies beside a database
- `guards`       what stands guard over a database file: its witness, its owner, its WAL
- `connections`  every connection to an existing database is opened here
- `look`         the places of entries: by number, and by key
- `entries`      reads them
- `rows`         the values of a new row
- `views`        the published views
- `used`         what was used: sums for each life
- `schema`       the tables, and what marks a database as ours
- `listing`      the list of sessions
- `trash`        what was deleted
- `standing`     what is not in the log: how sessions stand, and drafts
- `superseded`   where records were written again
- `transaction`  what one transaction has written so far
- `ahead`        what is large is written ahead, in parts
- `copies`       copies of a database that lie beside it
- `index`        the index of words, in a file beside the database
- `reader`       SQLiteReader: the reading half, also beside a running service
- `purging`      a life that goes for good goes bit by bit
- `redacting`    a life in which one entry says something else
- `writing`      puts deltas into the tables
- `auditing`     reads sessions for an audit, and looks whether their places are right
- `verify`       finds out whether a database is whole
- `backup`       copies a database while it is in use
- `old_order`    what messages and switches that were kept apart become in one log
- `guide`        takes over databases of the system that the guide describes
- `scrubbing`    what was purged leaves no trace
- `opening`      what a database must pass, and how one takes the place of another
- `leaving`      a database that is moved from
- `arriving`     a new database that is moved to
- `store`        SQLiteStore
- `place`        what can be done with a database file, for the front door
"""
