"""Who worked on a session when, and at what cost. Pure; it knows entries.

A map, in the order in which one file may import another:

- `sums`      numbers, summed by agent, model and day
- `reported`  what agents' frameworks write into a message's metadata
- `spent`     what single entries say was used
- `ledger`    the stretches of a log, and what was used in each
"""
