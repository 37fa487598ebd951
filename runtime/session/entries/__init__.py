"""Entries: their numbers, their chain, and those that are in memory.

A map, in the order in which one file may import another:

- `chain`     eight bytes that name a log up to an entry
- `counting`  which entries count: what rewinds make of a log's numbers
- `moments`   a moment in nine bytes
- `marks`     those that are no messages, on their way to the outline
- `tail`      the newest entries, those in memory, packed
- `stretch`   the messages of a history
- `outline`   what is known of the entries that are not in memory
- `large_form` a large message as a history shows it
- `forms`     a message as it was sent, and as a history shows it
- `keys`      which entries have which key, without an object for each
- `departed`  which keys and calls have left memory since a log began here
"""
