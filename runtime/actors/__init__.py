"""Sessions as tasks.

A map, in the order in which one file may import another:

- `watches`    who waits for a session to change
- `mailbox`    a command, with the place for its answer
- `actor`      one task, one mailbox, one session
- `directory`  session id to activation
"""
