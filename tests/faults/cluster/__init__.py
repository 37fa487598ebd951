"""A cluster of nodes that is hurt, while clients use it: the rooms of the campaign `nodes`.

- `ports`      ports that nobody uses
- `timeline`   what was done when, told with every fault that is found
- `turnstile`  who may hurt the cluster at the same time
- `storage`    the database with its standby, its clock, PgBouncer, and the gates to it
- `clients`    who writes, reads, forks, deletes and follows; and the judges of what they were told
- `balancer`   HAProxy in front of the nodes
- `seats`      the nodes, as processes
- `probing`    when a session can be written to again
- `stage`      all of these, running
- `kinds`      what is done to them
- `ending`     what there is in the end, from all sides
- `control`    nodes whose fence is off: they have to be found out
"""
