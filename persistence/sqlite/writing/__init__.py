"""What is written, and what goes.

A map, in the order in which one file may import another:

- `transaction`  what one transaction has written so far
- `ahead`        what is large is written ahead, in parts
- `purging`      a life that goes for good goes bit by bit
- `redacting`    a life in which one entry says something else
- `batch`        puts deltas into the tables
- `scrubbing`    what was purged leaves no trace
"""
