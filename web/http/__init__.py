"""HTTP/1.1 between bytes and two small values: a `Request`, and the `Response` to it.

A map, in the order in which one file may import another:

- `message`      the two values
- `problem`      what an error says
- `failure`      what the log says of one
- `limits`       what clients may take of the server
- `refusal`      a request that does not become one
- `target`       what a request is about
- `framing`      what a head says of the bytes behind it
- `parser`       from bytes to requests
- `heads`        the head of an answer
- `line`         a stream of bytes, and what else of a socket is worth knowing
- `linger`       how a connection ends whose client may still be sending
- `body`         a request's body, read when somebody asks for it
- `crowd`        who is connected, who makes room, who has been silent for too long
- `delivery`     how an answer leaves
- `connection`   one client's requests, one after the other
- `listen`       where the service listens
- `server`       accepts, limits, and stops
- `asgi`         a request of an ASGI server, and the answer to it
- `guest`        an ASGI app answers a request, without a server
"""
