"""A load generator for any running service: `python -m benchmarks.load`.

- `__main__`    the command line, and what it tells
- `mix`         what is asked for
- `driving`     when requests are due, and clients that send them
"""
