"""What is asked of a session, over all its kinds: long calls, and what is read.

A map, in the order in which one file may import another:

- `searched`  what of an entry can be searched
- `redaction` a value of an entry gives way to a marker
- `drafting`  what is done to drafts
- `items`     the entries of a call, as it asks for them
- `answered`  the answer to a call that appends entries
- `repeats`   calls that were made before, and are answered the same again
- `calls`     calls that append entries of several kinds in one step
- `fork`      a new session of another one's entries
- `reading`   histories and pages of the log
- `working`   what follows from a ledger: pages of usage, and of who worked when
- `telling`   what a context is made of
- `resuming`  what an IDE needs that opens a session
"""
