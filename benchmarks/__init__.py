"""How fast it is, beside what a user would pick instead.

A map; each file imports only from those further down, or beside it:

- `__main__`   `python -m benchmarks`: the suites one after the other, then the report
- `report`     renews docs/performance.md from the results, with its `pictures/`
- `table`      what is measured, suite by suite, and what has to come out of it

The works, as functions:

- `appends`    asks and appends, embedded; `sessions` in memory; `writes` of many at once, some of
  them beside `schema_1`
- `growth`     with the session, with the database; `any_length`: a session of a gigabyte
- `contexts`   what to send to a model, of a long session
- `search`     words among a million messages, and what their index costs those who append
- `layouts`    two ways to lay out the table of entries, with nothing around it
- `compare`    the service beside the bare servers of `stack`
- `neighbours` what one client does to everybody else; one of them is a process, a `filler`
- `streams`    what following a session costs, in processes of `followers`, of a service that is
  `noting` its commits
- `nodes`      sessions on PostgreSQL: what the fence and other nodes cost, moving there and back
- `peers`      what one would use instead: `contenders/`, one process each, driven by lines of JSON
- `adapters`   frameworks' sessions in their own stores and in ours, in the peers' environment
- `wire`       the service beside the guide's app, and beside `bare` servers, on one core each

What they stand on:

- `loops`      servers asked in turn by clients that never wait
- `load/`      a load generator for any running service; a command of its own
- `bench`      what a work is given: where and how hard to measure, where to note what came out
- `stores`     runtimes, and large databases for them; `baselines`: a bare channel, a bare database
- `processes`  servers, and what Linux says of a process; `client` asks them
- `results`    what came out, as JSON; `measure`: rounds, medians, spread, ratios
- `workload`   the conversations
"""
