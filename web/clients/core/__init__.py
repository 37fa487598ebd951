"""What all clients stand on: a call, what carries it, and how often it is tried.

A map, in the order in which one file may import another:

- `call`       one exchange, whatever carries it
- `patience`   when a call is sent again
- `place`      where the service is
- `parsing`    from bytes to lines and to events
- `course`     an answer that is read as it comes: lines, or events that go on after a break
- `wire`       calls over HTTP
- `asking`     a call with its tries and its refusals
- `streaming`  the same of an answer that is read as it comes
- `async_wire` the connections, awaited
- `awaiting`   the tries and the reading, awaited
"""
