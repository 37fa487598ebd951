"""How fast it is, beside what a user would pick instead.

A map; each file imports only from those further down, or beside it:

- `__main__`   `python -m benchmarks`: the suites one after the other, then the report
- `report`     renews docs/performance.md; its `tables`, and its `pictures/`

The suites, each also alone with `--help`, and the works that they consist of:

- `runtime`    embedded: `appends`, with `pages` and `rich` messages; `activations`, `listing`,
  `flushes`, `batches` beside `schema_1`, `forks`, `stages`, and `memory`, which `resident` measures
  in a process of its own
- `growth`     `long_sessions`, and `large_databases` with their `starts`
- `any_length` a session of a `gigabyte`: its `first_uses`, `whole_histories`, and `deep_calls`
- `layouts`    two ways to lay out the table of entries, with nothing around it
- `compare`    the service beside a bare server: `same_server`, `conditional`, `long_lists`
- `stalls`     what the largest and densest requests do to everybody else
- `limits`     others' appends beside a client that takes all that it may
- `peers`      what one would use instead: `contenders/`, one process each, driven by lines of JSON

What they stand on:

- `closed_loops`   servers asked in turn by clients that never wait
- `suite`      a suite's works, rounds and command line
- `load/`      a load generator for any running service; a command of its own
- `stack`      the bare servers; `servers` starts them and the service; `client` asks them, and
  `answers` knows where an answer ends
- `stores`     large databases; `embedded` runtimes; `baselines`: a bare channel, a bare database
- `calls`      calls timed in turn; `proc`: what Linux says of a process; `wal`: pages written
- `results`    what came out, as JSON; `budgets`: what has to
- `measure`    rounds, medians, spread, ratios; `machine`: where it was measured
- `workload`   the conversations
"""
