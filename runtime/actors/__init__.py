"""Sessions as tasks.

A map, in the order in which one file may import another:

- `mailbox`    a command, with the place for its answer
- `actor`      one task, one mailbox, one session
- `directory`  session id to activation
"""
