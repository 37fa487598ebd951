"""Sessions out of a store into files, and files into a store, or a service.

A map, in the order in which one file may import another:

- `writing`    a session's log as lines, read from a store beside its service
- `reading`    the sessions of a file, whoever wrote it
- `parts`      a log cut into parts, each of which one call takes
- `targets`    what takes them: a runtime of our own, or a service
- `importing`  all of it: files, progress, what became of them
- `carrying`   the commands
"""
