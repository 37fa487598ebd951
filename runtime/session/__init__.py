"""One session, pure: its log, what follows from it, and what can be asked of it.

No trio, no I/O, no clock. A map, in the order in which one file may import another:

- `chain`     eight bytes that name a log up to an entry
- `encoding`  JSON in and out, and what it cannot say
- `pieces`    large JSON text, cut into pieces that a decoder takes soon
- `normal`    what is kept of a JSON value, whatever its size
- `picking`   members of JSON that nobody has checked
- `counting`  which entries count: what rewinds make of a log's numbers
- `rules`     what ids, names and keys may look like
- `large`     a large message, read in pieces
- `moments`   a moment in nine bytes
- `tail`      the newest entries, those in memory, packed
- `stretch`   the messages of a history
- `outline`   what is known of the entries that are not in memory
- `large_form` a large message as a history shows it
- `forms`     a message as it was sent, and as a history shows it
- `context`   what a model is told: valid messages, within limits
- `text`      a text that only grows
- `draft`     messages that are still being written
- `seen`      what of them a reader has been given
- `keys`      which entries have which key, without an object for each
- `kind`      what a kind of entries is
- `log`       all entries of a life, wherever they are
- `work`      who worked when, at what cost
- `life`      the log from its first entry to the session's deletion, and what counts of it
- `steps`     a command that takes long
- `replies`   what a session answers
- `state`     the present life, and those that the store has yet to end
- `single`    the answer to a call that writes one entry
- `message`   the kinds, a file each: messages, …
- `settings`  … titles, flags and metadata, …
- `switch`    … changes of the agent, …
- `record`    … values under keys, …
- `compaction` … what a model is told instead of old messages, …
- `rewind`    … going back, and forward again, …
- `turn`      … who may write for a while, …
- `approval`  … what somebody is asked, and what was answered, …
- `usage`     … and what was used up
- `kinds`     the table of the kinds
- `drafting`  what is done to drafts
- `calls`     calls that append entries of several kinds in one step
- `fork`      a new session of another one's entries
- `reading`   histories and pages of the log
- `working`   what follows from a ledger: pages of usage, and of who worked when
- `telling`   what a context is made of
- `resuming`  what an IDE needs that opens a session
"""
