"""What a database must pass before a store works on it, and how one takes the place of another.

A map, in the order in which one file may import another (a test enforces it):

- `version1`    reads databases of the schema before this one
- `remedy`      what to tell whoever has a database that cannot be used
- `examining`   what a file must pass, found out without changing it
- `replacing`   one that lies beside another one takes its place
- `old_log`     the log that a session of schema version 1 becomes
- `converting`  writes all those sessions into a new database
- `comparing`   compares the new database with the old one
- `upgrade`     puts the new one in the old one's place
- `opening`     from a path to a store's parts
- `restore`     puts a backup in the place of a database
"""
