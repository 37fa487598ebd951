"""What every endpoint uses: from a request to values, and from values to an answer.

A map, in the order in which one file may import another:

- `paths`      ids in paths
- `problems`   one table: error to status
- `bodies`     how many bytes of bodies may be in memory
- `stream`     Server-Sent Events, and how many of them there may be
- `resources`  what an endpoint is given beside its request
- `types`      what several bodies have in common
- `rendering`  from values to an answer
- `parts`      bodies that are taken apart, and not decoded as a whole
- `body`       a request's body: received, and decoded where that holds nobody up
- `query`      what stands behind the question mark
- `tags`       which state an answer is of
- `write`      what a write asks for in its head
- `route`      one row of the table of routes
"""
