"""The store on disk: one SQLite file.

A map, in the order in which one file or folder may import another (a test enforces it):

- `systems`      what differs between operating systems
- `errors`       which error of SQLite means what
- `files`        private files and folders, and the names of what lies beside a database
- `guards`       what stands guard over a database file: its witness, its owner, its WAL
- `connections`  every connection to an existing database is opened here
- `tables`       the tables, and their rows
- `writing`      what is written, and what goes
- `index`        the index of words, in a file beside the database
- `reading`      what is read
- `checking`     whether a database is whole
- `backup`       copies a database while it is in use
- `guide`        takes over databases of the system that the guide describes
- `opening`      what a database must pass, and how one takes the place of another
- `moving`       the two ends of a move
- `store`        SQLiteStore
- `place`        what can be done with a database file, for the front door
"""
