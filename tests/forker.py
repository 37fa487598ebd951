"""A Python that has imported what a service needs, and forks for every order: see `tests.warm`.

    python -m tests.forker SOCKET

An order is a datagram: a JSON object, and the descriptors of stdin, stdout, stderr, and of a pipe
that is told the pid, and in the end the exit code. It ends with the other end of the socket.
"""

import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import persistence.postgres.store
import persistence.sqlite.store  # noqa: F401
import tests.persistence.builders  # noqa: F401
import web.cli.commands
import web.cli.service
import web.tracing.collected  # noqa: F401
from web.api.routes import whole_table

LARGEST = 1 << 20
"""Bytes of an order, at most."""


def next_order(orders: socket.socket) -> dict[str, Any]:
    """Forks for every order. Returns it in the new process, and never in this one.

    One thread does all of it, so that there is no other one whose locks a child would inherit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all, to end the tests
    with selectors.DefaultSelector() as watched:
        watched.register(orders, selectors.EVENT_READ)
        while True:
            for key, _ in watched.select():
                if key.fileobj is not orders:
                    _tell_the_end(watched, *key.data)
                    continue
                text, descriptors, *_ = socket.recv_fds(orders, LARGEST, 4)
                if not text:
                    os._exit(0)
                *streams, told = descriptors
                _have_its_limits()
                pid = os.fork()
                if pid == 0:
                    watched.close()
                    orders.detach()
                    _take(streams)
                    order: dict[str, Any] = json.loads(text)
                    return order
                for stream in streams:
                    os.close(stream)
                os.write(told, b"%d\n" % pid)
                end = os.pidfd_open(pid)
                watched.register(end, selectors.EVENT_READ, (pid, end, told))


def _have_its_limits() -> None:
    """Those of who gives the orders: whom it starts would inherit them."""
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            limit = getattr(resource, name)
            resource.setrlimit(limit, resource.prlimit(os.getppid(), limit))


def _tell_the_end(watched: selectors.BaseSelector, pid: int, end: int, told: int) -> None:
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # nobody wants to know
        os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    watched.unregister(end)
    os.close(end)
    os.close(told)


def _take(streams: list[int]) -> None:
    """Has these as stdin, stdout and stderr, and no other descriptor."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(map(int, os.listdir("/proc/self/fd"))) + 1)  # noqa: PTH208 -- just names


def become(order: dict[str, Any]) -> str:
    """Makes of this process the one that was ordered; the code to run."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    os.umask(order["umask"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.argv[:] = order["arguments"]
    code: str = order["code"]
    return code


if __name__ == "__main__":
    whole_table()  # imports all calls
    gc.collect()
    gc.freeze()  # else each child would copy all pages with objects, to look for garbage
    code = become(next_order(socket.socket(fileno=int(sys.argv[1]))))
    exec(code, {"__name__": "__main__"})  # noqa: S102
