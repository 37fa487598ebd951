"""What the kernel has accepted when the end begins."""

import socket
from contextlib import ExitStack

import trio

from tests.web.packets import HELLO
from tests.web.serving import Client
from tests.web.test_server import make_app
from web.server import open_listeners, serve


async def test_shutdown_answers_what_waits_in_the_backlog() -> None:
    listeners = await open_listeners("127.0.0.1", 0)
    app = make_app()
    shutdown = trio.Event()
    shutdown.set()
    with ExitStack() as clients:
        sockets = [
            clients.enter_context(socket.create_connection(listeners[0].socket.getsockname()))
            for _ in range(20)
        ]
        for client in sockets:
            client.sendall(HELLO)
        await serve(app, listeners, shutdown=shutdown)
        for client in sockets:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(client))
            assert (await Client(stream).answer()).body == b"hello"


async def test_shutdown_takes_no_one_from_an_empty_backlog() -> None:
    listeners = await open_listeners("127.0.0.1", 0)
    address = listeners[0].socket.getsockname()
    shutdown = trio.Event()
    shutdown.set()
    await serve(make_app(), listeners, shutdown=shutdown)
    with socket.socket() as late:
        assert late.connect_ex(address) != 0
