"""One session, pure: its log, what follows from it, and what can be asked of it.

No trio, no I/O, no clock. A map, in the order in which one file or folder may import another:

- `rules`     what ids, names and keys may look like
- `bodies`    what entries say: JSON of any size, kept as it was sent
- `entries`   their numbers, their chain, and those that are in memory
- `context`   what a model is told: valid messages, within limits
- `drafts`    messages that are still being written
- `kind`      what a kind of entries is
- `log`       all entries of a life, wherever they are
- `work`      who worked when, at what cost
- `life`      the log from its first entry to the session's deletion, and what counts of it
- `steps`     a command that takes long
- `replies`   what a session answers
- `state`     the present life, and those that the store has yet to end
- `single`    the answer to a call that writes one entry
- `kinds`     the kinds, a file each, and their table
- `asked`     what is asked of a session, over all its kinds
- `files`     a log as a file of JSON lines, written and read
"""
