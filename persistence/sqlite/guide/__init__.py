"""Takes over databases of the system that the guide describes.

A map, in the order in which one file may import from another, the lower ones first:

- `values`         what a column says, and what is done where JSON or UTF-8 cannot say it
- `old_session`    what the readers find, whatever schema it is kept in
- `first_schema`   reads the schema in which a session's messages are one JSON text
- `later_schema`   reads the schema in which messages and switches are rows
- `recognising`    in which of the schemas a database is
- `ids`            under which id a session goes on
- `old_order`      what messages and switches that were kept apart become in one log
- `as_log`         from an old session to a log of entries
- `takeover`       all of a database, whole or not at all
"""
