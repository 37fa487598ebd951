"""HAProxy in front of the nodes, with the file that the documentation shows."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.faults.campaign import comes_true
from tests.faults.cluster.clients.ways import Way
from tests.faults.cluster.ports import HOST, free_port, listens

PROGRAM = "haproxy"
SHOWN = Path(__file__).parents[3] / "docs" / "haproxy.cfg"

_BIND = re.compile(r"^    bind \S+$", re.MULTILINE)
_SERVERS = re.compile(r"(^    server \S+ \S+$\n)+", re.MULTILINE)


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


def config(port: int, nodes: Sequence[int]) -> str:
    """The file that is shown, with these ports: its own, and those of the nodes."""
    servers = "".join(f"    server node{port} {HOST}:{port}\n" for port in nodes)
    shown = SHOWN.read_text()
    for pattern, text in ((_BIND, f"    bind {HOST}:{port}"), (_SERVERS, servers)):
        shown, times = pattern.subn(text, shown)
        assert times == 1, f"{SHOWN} has {times} times {pattern.pattern}"
    return shown


@contextmanager
def balancing(folder: Path, nodes: Sequence[int]) -> Iterator[Way]:
    """The way through it while the block runs, in front of nodes at these ports."""
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(config(port, nodes))
    with (folder / "haproxy.log").open("ab") as log:
        process = subprocess.Popen([PROGRAM, "-db", "-f", file], stdout=log, stderr=log)
    try:
        assert comes_true(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "haproxy.log").read_text()
        yield Way("HAProxy", f"http://{HOST}:{port}")
    finally:
        process.kill()
        process.wait()
