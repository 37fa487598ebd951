"""What clients may take of the server: sizes that are fixed, and what an operator can set."""

import logging

from attrs import field, frozen, validators

from runtime import SECONDS, KiB, MiB
from web.systems import open_files_limit

log = logging.getLogger(__name__)

HEAD_SIZE = 16 * KiB
"""Bytes of a request's head; those that browsers and IDEs send fit into 2. Of a chunked body's
framing, the bytes that may come without one of the body itself."""

REMEMBERED_HEAD = 512
"""Bytes of a head that is kept, to be compared with the next one: programs that poll send less. It
stays while a connection is idle. A short one takes half a KiB with what it says, the worst 18."""

RECEIVE_SIZE = 64 * KiB
"""Bytes asked for at once. A head, or a short message, comes in one piece; of a long body no more
than this waits in memory for somebody to ask for it."""

JOINED = 64 * KiB
"""Bytes up to which a body is copied behind its head. Beyond it the copy would cost more than to
give the kernel two places."""

AT_ONCE = 1 * MiB
"""Bytes of an answer that are given to the kernel before others have their turn: some tenths of a
millisecond. A client that is as fast takes most histories in one send."""

SEND_SIZE = 256 * KiB
"""Bytes that one `send_timeout` covers. Large, so that an answer is rarely cut; small enough that
a slow but living client (10 KB/s) gets a piece within the default deadline."""

LINGER_BYTES = 32 * MiB
"""Bytes read and dropped after the last answer, at most: twice the largest body that is taken, so
that a client that is a little over the limit gets to read its 413."""

RESERVED_FILES = 64
"""Of the files that the process may have open, those that connections must leave: about 25 are the
store's, the log's and trio's own; the rest is for connections that are being refused or closed."""

_positive = validators.gt(0.0)


@frozen(kw_only=True)
class ServerConfig:
    """What clients may take of the server. Times are in seconds.

    Raises `ValueError` for a value that no server can work with.
    """

    grace: float = field(default=10 * SECONDS, validator=validators.ge(0))
    """How long requests in flight may go on after shutdown was asked for. Ten times a slow commit;
    well within the 30 s after which orchestrators kill."""

    max_connections: int = field(default=800, validator=validators.ge(1))
    """Open at once. 1,024 open files are the usual limit of a process; the rest is the store's.
    Beyond it the longest idle connection makes room; if none is idle the new one gets a 503."""

    header_timeout: float = field(default=10 * SECONDS, validator=_positive)
    """From the first byte of a request's head to its last. A head is one packet; 10 s forgive the
    loss of some, and a client that trickles one holds nothing but a socket for that long."""

    idle_timeout: float = field(default=75 * SECONDS, validator=_positive)
    """Between requests. Longer than the 60 s after which common clients and proxies give up a
    pooled connection themselves, so that it is not the server who closes under a request."""

    read_timeout: float = field(default=30 * SECONDS, validator=_positive)
    """Between two pieces of a body. How long the whole may take is the endpoints' to say."""

    send_timeout: float = field(default=30 * SECONDS, validator=_positive)
    """For each `SEND_SIZE` bytes of an answer to be taken by the client's side."""

    linger_timeout: float = field(default=2 * SECONDS, validator=_positive)
    """How long to read on after refusing a request that was still being sent, so that the answer
    is not lost to a connection reset. Some round trips of a bad line."""


def connection_limit(config: ServerConfig, files_each: int = 1) -> int:
    """Connections open at one time: as configured, if the process may have so many files open.

    Without a file descriptor no connection can be accepted, not even to refuse it; so the idle
    have to make room before that. `files_each`: how many one needs, with what is opened for it.
    """
    files = open_files_limit()
    if files is None:
        return config.max_connections
    limit = max(1, min(config.max_connections, (files - RESERVED_FILES) // files_each))
    if limit < config.max_connections:
        log.warning(
            "Only %d connections at one time, not %d: the process may have %d files open",
            limit,
            config.max_connections,
            files,
        )
    return limit
