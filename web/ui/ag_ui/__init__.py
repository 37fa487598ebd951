"""AG-UI: messages, and the events of a run.

A map, in the order in which one file may import another:

- `sent`      a message of AG-UI becomes an entry of the log, and comes back as it was
- `messages`  a log becomes messages of AG-UI
- `telling`   a run, as its events tell it
"""
