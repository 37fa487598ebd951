"""How fast it is, beside what a user would pick instead.

A map; each line's file imports only from those further down:

- `__main__`     `python -m benchmarks`: the suites one after the other, then the report
- `report`       the tables and pictures of docs/performance.md, from the results
- `pictures`     the SVG files
- `runtime`, `growth`, `compare`   the suites; each also alone, with `--help`
- `load`         a load generator for any running service
- `servers`      server processes on free ports; `stack` is the bare ones, `client` asks them
- `contenders/`  one process each, driven by lines of JSON; `peers` starts them
- `budgets`      what has to come out
- `results`      what came out, as JSON
- `measure`      rounds, medians, spread, ratios
- `machine`      where it was measured
- `workload`     the conversations
"""
