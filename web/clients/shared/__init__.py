"""One conversation under all frameworks: whatever wrote an item, all others see it.

Each item is appended once. A turn of text, a tool's call or its result is a message: role, and
content or parts, as the framework has them; the rest of what it was wrapped in is in its metadata,
under the framework's name. Anything else is a record whose key begins with that name. So there is
one order and one rewind, and histories, the page, search and contexts show what frameworks wrote.

A map, in the order in which one file may import another:

- `carrying`      what JSON cannot say, or the service does not take, goes as text
- `plain`         a message of others, as any framework can take it
- `pieces`        what is too large for one call goes before it, in pieces
- `conversation`  a framework's items in a session's log
- `ahead`         what is too much for one call
- `waiting`       what waits for the service, beside an event loop
"""
