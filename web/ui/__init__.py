"""What user interfaces take and send: a log's messages in the forms of their protocols, and back.

Pure: nothing here knows the runtime, or HTTP. Messages are JSON as Python has it. A map, in the
order in which one file may import another:

- `pieces`  what a message says, in whatever form an agent wrote it
- `forms`   a part of a message becomes a piece
- `kept`    a message of a log, with its place there
- `growing` what is shown of a message that is still being written
- `vercel`  the AI SDK's UI messages, and its stream
- `ag_ui`   AG-UI's messages, and its events
"""
