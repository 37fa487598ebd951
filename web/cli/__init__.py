"""The composition root: the commands, and the service from start to end.

A map, in the order in which one file may import another:

- `sinks`      where lines go for which nobody may wait
- `logs`       the log
- `watch`      signals, and how the process ends
- `service`    the running service
- `settings`   what `serve` can be told
- `sharing`    and what more where nodes share a database
- `exits`      how a command ends that cannot do what it was asked
- `text`       what others wrote, made fit for a terminal
- `terminal`   what the commands print
- `sessions`   commands about sessions
- `exchange`   sessions out of a store into files, and files into a store or a service
- `found`      what finds messages and titles
- `lazy`       a program whose commands are imported when they are used
- `commands`   the other commands, and all of them as one program
- `entrance`   where the program begins
"""
