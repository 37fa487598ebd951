"""Subscribers of one session in a process of their own, so that they take no core from others.

As `python -m benchmarks.followers URL PATH COUNT`: it says when all of them follow; and then, for
each line that it is sent, how many messages each of them has been told of since the last line, as a
JSON list. It ends with its input.
"""

import resource
import sys
from collections.abc import Callable

import trio
from attrs import define

from benchmarks.client import Address
from benchmarks.workload import encoded

EVENT = b"event: message\n"
RECEIVE_SIZE = 64 * 1024


@define
class Counter:
    """How often a text has come, wherever its pieces were parted."""

    text: bytes
    count: int = 0
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Takes what came next."""
        data = self._rest + data
        self.count += data.count(self.text)
        # One byte less than the text: what was counted is not counted again.
        self._rest = data[1 - len(self.text) :]


async def follow(
    address: Address, path: str, counter: Counter, begun: Callable[[], object]
) -> None:
    """Follows until the stream ends."""
    stream = await trio.open_tcp_stream(address.host, address.port)
    async with stream:
        await stream.send_all(address.get(path, Accept="text/event-stream"))
        data = await stream.receive_some(RECEIVE_SIZE)
        assert data.startswith(b"HTTP/1.1 200"), data[:200]
        begun()
        while data:
            counter.feed(data)
            data = await stream.receive_some(RECEIVE_SIZE)


async def main(url: str, path: str, number: int) -> None:
    """So many follow; what they are told is told on."""
    counters = [Counter(EVENT) for _ in range(number)]
    following, all_follow = 0, trio.Event()

    def begun() -> None:
        nonlocal following
        following += 1
        if following == number:
            all_follow.set()

    async with trio.open_nursery() as nursery:
        for counter in counters:
            nursery.start_soon(follow, Address.of(url), path, counter, begun)
        await all_follow.wait()
        print(f"{number} follow {path}", flush=True)
        while await trio.to_thread.run_sync(sys.stdin.readline):
            print(encoded([counter.count for counter in counters]), flush=True)
            for counter in counters:
                counter.count = 0
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    trio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
