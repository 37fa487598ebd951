"""The composition root: the commands, and the service from start to end.

A map, in the order in which one file may import another:

- `sinks`      where lines go for which nobody may wait
- `logs`       the log
- `watch`      signals, and how the process ends
- `service`    the running service
- `settings`   what `serve` can be told
- `sharing`    and what more where nodes share a database
- `terminal`   what the commands print
- `found`      what `search` prints
- `commands`   the commands themselves
- `entrance`   where the program begins
"""
