"""The calls, one function each: from arguments to what is sent, and to what its answer means.

Nothing is sent here, so the clients that wait and those that are awaited share all of it. A call
has the name that the service's OpenAPI document gives it, and its parameters; what is repeatable
there is in the plural. What it answers stands on top of its file, as JSON has it. A list in pages
has a second function, `iter_...`, for all of it.

A map, in the order in which one file may import another:

- `shapes`       what several calls send and answer, as JSON has it
- `terms`        what goes with any write, and any path
- `paging`       a list in pages
- `sessions`     sessions as a whole
- `agents`       who works on a session
- `messages`     as they were sent
- `log`          entries
- `records`      values under keys
- `context`      what a model is told
- `drafts`       messages that are still being written
- `turns`        who may write for a while
- `approvals`    what somebody is asked, and what was answered
- `usage`        what was used up, and who worked when
- `histories`    a whole conversation, and one call that opens a session
- `finding`      what was said, by its words
- `exports`      a session's whole log, out and in
- `trash`        what was deleted, and how it comes back
- `events`       what happens, while it happens
- `maintenance`  what an operator asks for
"""
