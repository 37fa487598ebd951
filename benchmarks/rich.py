"""A message as agents write it, with parts and reasoning, beside a plain one of as many bytes."""

from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from random import Random

import trio

from benchmarks.appends import DURABLE, NOTES
from benchmarks.baselines import encoded
from benchmarks.calls import add_latency, in_rounds, seconds_of
from benchmarks.embedded import OURS, running
from benchmarks.measure import Spread
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import Message, text
from runtime import Durability, Runtime, RuntimeConfig

PLAIN, RICH = "plain", "with parts and reasoning"


def rich_message(random: Random) -> Message:
    """A turn of an assistant: what it thought, what it says, and a tool that it calls."""
    return {
        "role": "assistant",
        "content": [
            {
                "type": "thinking",
                "thinking": text(600, random),
                "signature": f"{random.getrandbits(1_200):x}",
            },
            {"type": "text", "text": text(200, random)},
            {
                "type": "tool_use",
                "id": f"toolu_{random.getrandbits(96):024x}",
                "name": "edit_file",
                "input": {
                    "path": "src/main.py",
                    "edits": [{"old": text(150, random), "new": text(200, random)}],
                    "dry_run": False,
                },
            },
        ],
        "model": "a-model-of-somebody",
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 12_345, "output_tokens": 678, "cache_read_tokens": 11_000},
    }


def plain_message(size: int, random: Random) -> Message:
    """A message of text alone, of so many bytes as JSON."""
    message = {"role": "assistant", "content": text(size // 2, random)}
    missing = size - len(encoded(message).encode())
    return message | {"content": message["content"] + "z" * missing}


def rich(effort: Effort, results: Results) -> None:
    """How long an append of either takes."""
    trio.run(_rich, effort, results)


async def _rich(effort: Effort, results: Results) -> None:
    random = Random(1)  # noqa: S311 -- it only varies the text
    message = rich_message(random)
    size = len(encoded(message).encode())
    messages = {PLAIN: plain_message(size, random), RICH: message}
    times: dict[Durability, int] = effort.of(
        full={"snapshot": 10_000, "commit": 2_000}, quick={"snapshot": 10, "commit": 3}
    )
    numbers = count()

    async def appends(runtime: Runtime, message: Message, times: int) -> list[float]:
        session = runtime.session(f"appended-{next(numbers)}")
        await session.create()
        seconds = await seconds_of(partial(session.append, message), times)
        await runtime.flush()
        return seconds

    ratios: list[Spread] = []
    for durability, note in NOTES.items():
        async with AsyncExitStack() as stack:
            runtime = await stack.enter_async_context(
                running(effort.folder / f"{durability}.db", RuntimeConfig(durability=durability))
            )
            samples = await in_rounds(
                {
                    kind: partial(appends, runtime, message, times[durability])
                    for kind, message in messages.items()
                },
                effort.rounds,
            )
        work = f"append in `{durability}` of a message of {size:,} bytes"
        plain, rich = (
            add_latency(
                results, work, f"{OURS}, {kind}", samples[kind], note, durable=DURABLE[durability]
            )
            for kind in messages
        )
        ratios.append(rich.over(plain))
    # The worse of the two counts: the one without a disk to wait for, most likely.
    results.judge("append_rich", Spread(map(max, *(ratio.values for ratio in ratios))))
