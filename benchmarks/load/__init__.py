"""A load generator for any running service: `python -m benchmarks.load`.

- `__main__`    the command line
- `generator`   runs a load; says what it can drive at most
- `driving`     clients that follow a schedule
- `schedule`    when requests are due: at a fixed rate, or when the last one is answered
- `progress`    the live line
- `tally`       what was answered, and how late
- `mix`         what is asked for
- `wrk`         the same by wrk, where it is installed
"""
