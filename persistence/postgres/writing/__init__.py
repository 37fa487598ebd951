"""The writing half of the store.

A map, in the order in which one file may import another:

- `numbers`      numbers of lives that are taken ahead
- `transaction`  what one transaction has written so far
- `ahead`        what is large is written ahead, in parts
- `used`         what was used: sums for each life
- `changes`      lives that begin and go on, many with one statement
- `ends`         lives that end, and come back from the trash
- `forks`        lives that begin with a copy
- `redacting`    a life in which one entry says something else
- `purging`      a life that goes for good goes bit by bit
- `leavings`     what earlier owners of shards have left
- `batch`        puts deltas into the tables
"""
