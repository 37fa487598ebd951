"""The calls, one function each: from arguments to what is sent, and to what its answer means.

Nothing is sent here, so the clients that wait and those that are awaited share all of it. A map, in
the order in which one file may import another:

- `shapes`    what is sent and answered, as JSON has it
- `terms`     what goes with any write, and any path
- `sessions`  sessions as a whole
- `log`       entries
- `records`   values under keys
"""
