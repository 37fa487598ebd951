"""Who owns what, and who may write.

A map, in the order in which one file may import another:

- `judge`       which of the other nodes are dead
- `shares`      who is to have which shards
- `view`        how a beat has found things
- `line`        a connection that another thread can cut
- `attempt`     one transaction, and what can be said of it afterwards
- `fence`       what every commit has to pass
- `backends`    ends transactions that stay open
- `writer`      the one connection that commits
- `register`    the statements on who is there, and who owns what
- `tending`     ends the dead, and claims what is free
- `membership`  what a node owns: `runtime.Ownership`
"""
