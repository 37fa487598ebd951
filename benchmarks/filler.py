"""One client at the limits of one session, in a process of its own: others measure meanwhile.

As `python -m benchmarks.filler URL SHARE`, with the sizes divided by `SHARE`. It makes the session,
and says so. Then, for each line that it is sent, a number of seconds, it asks back to back for so
long, at least once, and says how often it has. It ends with its input.
"""

import sys
from collections.abc import Iterator
from itertools import cycle

import trio

from benchmarks.client import API, Address, Connection, open_connections
from benchmarks.workload import encoded

SESSION = f"{API}/sessions/at-its-limits"


def requests(address: Address, share: int) -> list[bytes]:
    """One of each kind: what is large is text, keys and members."""
    keys = [f"{n:05}".ljust(512, "k") for n in range(10_000 // share)]
    switch = {"kind": "switch", "body": {"to": "coder", "reason": "r" * 4096}}
    message = {"role": "user", "content": "x" * 16_000}

    def post(what: str, body: object) -> bytes:
        return address.post(f"{SESSION}/{what}", encoded(body).encode())

    def patch(value: int, title: str) -> bytes:
        metadata = {f"member{n}": value for n in range(4_000 // share)}
        body = {"metadata": metadata, "title": title * 512}
        return address.post(SESSION, encoded(body).encode(), "PATCH")

    return [
        post("messages", {"messages": [message] * (1_000 // share)}),
        patch(1, "t"),
        post("records", {"put": [{"key": key, "value": key} for key in keys]}),
        address.get(f"{SESSION}/records?limit=1000"),
        post("log", {"entries": [switch] * (3_900 // share)}),
        patch(2, "u"),
        address.get(f"{SESSION}/messages?last=1000"),
        post("records", {"remove_prefix": ["0"]}),
        address.get(f"{API}/sessions?limit=1000&include=title,metadata"),
        address.get(f"{API}/sessions?metadata.member1=2"),
        post("rewind", {"to": 1}),
        address.get(f"{SESSION}/history"),
    ]


async def ask(connection: Connection, sent: Iterator[bytes], seconds: float) -> int:
    """Asks back to back; how often."""
    end, count = trio.current_time() + seconds, 0
    while count == 0 or trio.current_time() < end:
        await connection.expect(next(sent), keep=False)
        count += 1
    return count


async def main(url: str, share: int) -> None:
    """Until standard input ends."""
    address = Address.of(url)
    sent = cycle(requests(address, share))
    async with open_connections(address, 1) as (connection,):
        await ask(connection, sent, 0.0)
        print(f"{SESSION} is there", flush=True)
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            print(await ask(connection, sent, float(line)), flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
