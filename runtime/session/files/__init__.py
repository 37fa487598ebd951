"""A log as a file of JSON lines, written and read.

A map, in the order in which one file may import another:

- `lines`     the lines
- `arriving`  such a file, read
- `exported`  what is fixed of a log when it is to be written so
- `importing` a log that comes from elsewhere
"""
