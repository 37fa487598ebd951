"""The composition root: the commands, and the service from start to end.

A map, in the order in which one file may import another:

- `traces`, `logs`   where log lines go, and what they do not say
- `service`    the running service
- `settings`   what `serve` can be told
- `terminal`   what the commands print
- `commands`   the commands themselves
"""
