"""HTTP/1.1 between bytes and two small values: a `Request`, and the `Response` to it.

A map, in the order in which one file may import another:

- `message`   the two values
- `problem`   a refusal as JSON
- `asgi`      a request of an ASGI server, and the answer to it
- `guest`     an ASGI app answers a request, without a server
"""
