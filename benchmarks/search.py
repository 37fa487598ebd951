"""Finding words among a million messages, and what their index costs those who append."""

from bisect import bisect
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path
from random import Random

import trio

from benchmarks.bench import Bench
from benchmarks.measure import Timer, rate_of, seconds_of, worst
from benchmarks.stores import OURS, created, fill, opened, running
from runtime import Runtime, RuntimeConfig, Session, text_of
from runtime.session.kind import New
from runtime.session.kinds.message import from_json

VOCABULARY = 50_000
WORDS = (15, 45)
"""Of a message, the least and the most: some 160 characters."""

HITS = 20
"""Of a page: what a list shows."""

QUERIES = {
    "a word of every third message": "w3",
    "a word of one in a thousand": "w3e8",
    "a word of one in a hundred thousand": "wabc0",
    "four words": "w1 w2 w3 w4",
    "a phrase": '"w1 w2"',
    "the beginning of a word": "w1*",
    "a word that is not there": "nothing",
}
"""The words are numbered by how often they come: the n-th is n times rarer than the first."""

ROOM = 256 * 1024


def texts(random: Random) -> Iterator[str]:
    """Texts without an end whose words are as unequally frequent as those of a language."""
    shares = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    words = [
        f"w{bisect(shares, random.random() * shares[-1]):x}"
        for _ in range(WORDS[1] * VOCABULARY // 10)
    ]
    while True:
        length = random.randint(*WORDS)
        start = random.randrange(len(words) - length)
        yield " ".join(words[start : start + length])


async def searches(bench: Bench) -> None:
    """How long a page of 20 hits takes among a million messages, by what is searched for."""
    sessions, length = bench.of((1_000, 1_000), (5, 20))
    random = Random(1)  # noqa: S311 -- it only varies the text
    written = texts(random)

    def conversation() -> Iterator[New]:
        for n in range(length):
            role = "user" if n % 2 == 0 else "assistant"
            yield from_json({"role": role, "content": next(written)})

    path = bench.new()
    fill(path, "s-", [conversation() for _ in range(sessions)])
    timer = Timer()
    await trio.to_thread.run_sync(index_all, path)
    note = "all of it, by a thread that does not rest, while nobody else has anything to do"
    bench.add("indexing", OURS, "s", [timer.seconds], note, x=sessions * length)
    async with running(path) as runtime:
        await runtime.search("w1", limit=HITS)
        calls = {
            what: (partial(_seconds, runtime, query, bench.of(20, 1)), query)
            for what, query in QUERIES.items()
        }
        spreads = await bench.compare("search among 1,000,000 messages", "s", calls)
    bench.judge("search", worst(spreads.values()))


async def _seconds(runtime: Runtime, query: str, times: int) -> list[float]:
    return await seconds_of(lambda: runtime.search(query, limit=HITS), times)


def index_all(path: Path) -> None:
    """Takes into the index what it lacks."""
    store = opened(path)
    after: int | None = 0
    while after is not None:
        behind = store.index.behind(500, after)
        after, left = behind.next, behind.session_ids
        while left:
            left = store.index.take(left, text_of, ROOM).left
    store.close()


async def append_indexed(bench: Bench) -> None:
    """What the index of words takes from 64 sessions that are appended to at once."""
    sessions, seconds = bench.of((64, 5.0), (4, 0.02))
    rates: dict[str, Callable[[], Awaitable[float]]] = {
        name: partial(_rate, bench, sessions, seconds, search=search)
        for name, search in (("indexed", True), ("not indexed", False))
    }
    values = await bench.turns(rates)
    work = f"append, `commit`, {sessions} sessions, with the words indexed or not"
    spreads = {
        name: bench.add(work, name, "/s", each, "a message of some 30 words", durable=True)
        for name, each in values.items()
    }
    bench.judge("append_indexed", spreads["indexed"].over(spreads["not indexed"]))


async def _rate(bench: Bench, sessions: int, seconds: float, *, search: bool) -> float:
    config = RuntimeConfig(durability="commit", search=search)
    random = Random(2)  # noqa: S311 -- it only varies the text
    written = texts(random)
    said = [{"role": "user", "content": next(written)} for _ in range(1_000)]
    async with running(bench.new(), config) as runtime:
        handles = await created(runtime, sessions)

        async def say(session: Session) -> None:
            await session.append(random.choice(said))

        return await rate_of([partial(say, session) for session in handles], seconds)
