"""HTTP/1.1 between bytes and two small values: a `Request`, and the `Response` to it.

A map, in the order in which one file may import another:

- `message`   the two values
"""
