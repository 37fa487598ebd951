"""HAProxy and nginx in front of a server here, and what each of them says that it passed on.

Both run as children, listen on a socket file, keep connections to the server alive and share them
among their clients, pass on what they may refuse, and begin before a body is whole: so what one of
them and the server would understand differently has its worst effect.

Each gives every request an id, which goes to the server (`x-passed`), to the client with the answer
(`x-answered`), and into its log.
"""

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio
from attrs import frozen

from tests.web.http.serving import Client

PATIENCE = 20.0
"""Seconds for a proxy to start, or to write its log; it takes some milliseconds."""


@frozen
class Entry:
    """One line of a proxy's log: a request as the proxy understood it."""

    id: str
    status: str
    """The server's answer; `-`: it was not asked."""
    method: str
    host: str
    target: str


@frozen
class Proxy:
    """A running proxy."""

    socket: Path
    log: Path

    async def connect(self) -> Client:
        return Client(await trio.open_unix_socket(self.socket))

    async def exchange(self, data: bytes) -> bytes:
        """Send all of it, and nothing more; whatever comes back until the proxy closes."""
        async with await self.connect() as client:
            try:
                await client.send(data)
                await client.stream.send_eof()
            except trio.BrokenResourceError:
                pass  # It was refused before its end; the answer may be there all the same.
            return await client.read_to_end()

    def entries(self) -> dict[str, Entry]:
        """What it logged so far, by id."""
        lines = self.log.read_text(encoding="latin-1").split("\n")
        logged = [line.split(" ", 5)[1:] for line in lines if line.startswith("ENTRY ")]
        return {words[0]: Entry(*words) for words in logged}

    async def first_check(self) -> bytes:
        """What its log says of the server, once a check of it has succeeded or failed."""
        with trio.fail_after(PATIENCE):
            while b"Health check" not in (log := self.log.read_bytes()):
                await trio.sleep(0.01)
        return log


@frozen
class Kind:
    """How to have one. `rules`: what its operator adds to what it does with each request."""

    name: str
    config: Callable[[int, str], str]
    arguments: tuple[str, ...]

    @asynccontextmanager
    async def before(self, port: int, *, rules: str = "") -> AsyncIterator[Proxy]:
        """In front of the server at this port, until the context ends."""
        # Not pytest's folder: the name of a socket may have some 100 letters.
        with TemporaryDirectory() as name:
            async with self._running(Path(name), self.config(port, rules)) as proxy:
                yield proxy

    @asynccontextmanager
    async def _running(self, folder: Path, config: str) -> AsyncIterator[Proxy]:
        (folder / "config").write_text(config)
        proxy = Proxy(folder / "front", folder / "log")
        async with trio.open_nursery() as nursery:
            # Cancelled, it is terminated, and killed if that takes long.
            nursery.start_soon(self._run, proxy.log)
            with trio.fail_after(PATIENCE):
                while not await _listens(proxy.socket):
                    await trio.sleep(0.01)
            yield proxy
            nursery.cancel_scope.cancel()

    async def _run(self, log: Path) -> None:
        command = [self.name, *self.arguments]
        with log.open("ab") as file:
            await trio.run_process(command, cwd=log.parent, stdout=file, stderr=file, check=False)
        raise AssertionError(f"{self.name} ended: {log.read_text()[-2000:]}")


async def _listens(socket: Path) -> bool:
    try:
        await trio.aclose_forcefully(await trio.open_unix_socket(socket))
    except OSError:
        return False
    return True


def _haproxy(port: int, rules: str, check: str = "") -> str:
    return f"""
global
    log stdout len 65535 format raw local0
    maxconn 200
    nbthread 1
    tune.http.logurilen 65535
defaults
    mode http
    log global
    option accept-invalid-http-request
    option log-health-checks
    http-reuse always
    timeout connect 20s
    timeout client 20s
    timeout server 20s
    unique-id-format %rt
    log-format "ENTRY %ID %[var(txn.status)] %HM %[var(txn.host)] %HU"
frontend front
    bind unix@front
    http-request set-var(txn.status) str(-)
    http-request set-var(txn.host) req.hdr(host)
    http-request set-header x-passed %[unique-id]
    http-response set-var(txn.status) status
    http-response set-header x-answered %[unique-id]
{rules}
    default_backend back
backend back
{check}
    timeout check 100s
    server own 127.0.0.1:{port} {"check inter 50ms" if check else ""}
"""


def _nginx(port: int, rules: str) -> str:
    built = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    # Where it would write otherwise only root may; each directive is there with its module.
    spools = "\n".join(
        f"    {module}_temp_path {module};"
        for module in ("fastcgi", "uwsgi", "scgi")
        if f"without-http_{module}_module" not in built
    )
    return f"""
daemon off;
master_process off;
pid pid;
error_log stderr crit;
events {{
    worker_connections 500;
}}
http {{
{spools}
    client_body_temp_path body;
    proxy_temp_path proxy;
    log_format entry escape=none
        'ENTRY $request_id $upstream_status $request_method $host $request_uri';
    access_log log entry;
    ignore_invalid_headers off;
    underscores_in_headers on;
    merge_slashes off;
    large_client_header_buffers 4 32k;
    client_max_body_size 0;
    map $http_upgrade $upgrades {{
        default upgrade;
        '' '';
    }}
    upstream own {{
        server 127.0.0.1:{port} max_fails=0;
        keepalive 32;
    }}
    server {{
        listen unix:front;
        {rules}
        location / {{
            proxy_pass http://own;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_ignore_client_abort on;
            proxy_next_upstream off;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrades;
            proxy_set_header x-passed $request_id;
            add_header x-answered $request_id always;
        }}
    }}
}}
"""


HAPROXY = Kind("haproxy", _haproxy, ("-db", "-f", "config"))
NGINX = Kind("nginx", _nginx, ("-p", ".", "-c", "config", "-e", "stderr"))


def haproxy_that_checks(how: str) -> Kind:
    """It asks the server all the time whether it is well, in this way."""
    return Kind(HAPROXY.name, partial(_haproxy, check=how), HAPROXY.arguments)


needs_haproxy = pytest.mark.skipif(not shutil.which(HAPROXY.name), reason="it is not installed")

each_proxy = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind,
            id=kind.name,
            marks=pytest.mark.skipif(not shutil.which(kind.name), reason="it is not installed"),
        )
        for kind in (HAPROXY, NGINX)
    ],
)
