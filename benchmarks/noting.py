"""The service, which notes when each of its commits was done.

As `python -m benchmarks.noting DATABASE` it serves in `commit` durability until its input ends, and
says then when its commits were done, as a JSON list of seconds on the system's steady clock, which
is the same one for all processes.
"""

import sys
from functools import partial
from pathlib import Path
from time import perf_counter

import trio

from benchmarks.stores import opened
from benchmarks.workload import encoded
from runtime import RuntimeConfig, open_runtime
from web.api.dispatch import Api
from web.behind import open_answers
from web.http.limits import ServerConfig
from web.http.listen import open_listeners
from web.http.server import serve


async def main(path: Path) -> None:
    """Serves until the input ends."""
    done: list[float] = []
    async with open_runtime(
        opened(path),
        RuntimeConfig(durability="commit"),
        on_commit=lambda _: done.append(perf_counter()),
    ) as runtime:
        listeners, shutdown = await open_listeners("127.0.0.1", 0), trio.Event()
        async with trio.open_nursery() as nursery, open_answers(Api(runtime)) as answer:
            host = partial(serve, answer, listeners, config=ServerConfig(grace=0))
            (url,) = await nursery.start(partial(host, shutdown=shutdown))
            print(f"noting on {url}", flush=True)
            await trio.to_thread.run_sync(sys.stdin.read)
            print(encoded(done), flush=True)
            shutdown.set()


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
