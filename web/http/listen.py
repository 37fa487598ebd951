"""Where the service listens, and what to tell the operator when it cannot."""

from collections.abc import Sequence

import trio

from web.http.line import watch_peers
from web.problems import CannotServe


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listen on `host` (a name or an IP literal) and `port`; port 0 takes any that is free.

    Raises `CannotServe` if the address is taken, unknown, or not allowed.
    """
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise CannotServe(
            f"Cannot listen on {host} port {port}: {error.strerror or error}",
            "Choose another address or port, or stop what uses this one.",
        ) from error
    for listener in listeners:
        watch_peers(listener.socket)
    return listeners


def addresses(listeners: Sequence[trio.SocketListener]) -> list[str]:
    """Where the listeners can be reached: `http://127.0.0.1:8001`, `http://[::1]:8001`."""
    urls = []
    for listener in listeners:
        host, port, *_ = listener.socket.getsockname()
        urls.append(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    return urls
