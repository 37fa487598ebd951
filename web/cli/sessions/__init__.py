"""Commands about sessions: which there are, what one says, and bringing one elsewhere.

A map, in the order in which one file may import another:

- `listing`    which are listed, and how
- `completion` the TAB key completes their ids, and all else
- `following`  the entries of a session, as they are committed
- `asking`     a running service is asked over HTTP
- `looking`    the commands that only look: beside whoever uses the database
- `changing`   the commands that write: the owner does it
"""
