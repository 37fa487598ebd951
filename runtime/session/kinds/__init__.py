"""The kinds of entries, a file each: what its commands are, what it appends, how it folds.

A map, in the order in which one file may import another:

- `message`    messages
- `settings`   titles, flags and metadata
- `switch`     changes of the agent
- `record`     values under keys
- `compaction` what a model is told instead of old messages
- `rewind`     going back, and forward again
- `turn`       who may write for a while
- `approval`   what somebody is asked, and what was answered
- `usage`      what was used up
- `table`      all of them
"""
