"""The AI SDK: UI messages, and the UI message stream that `useChat` reads, in version 1.

A map, in the order in which one file may import another:

- `sent`      a UI message becomes a message of the log
- `messages`  a log becomes UI messages
- `chunks`    a part of a UI message, as the stream tells it
- `reading`   the stream becomes a UI message again
- `telling`   an answer, as the stream tells it while it is written
- `changes`   what of a chat that a client sends is new
"""
