"""Contexts: what to send to a model next, of a session that is long and in memory."""

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.measure import seconds_of, worst
from benchmarks.stores import OURS, fill, running
from benchmarks.workload import Message, conversation, short_message
from runtime import MiB, RuntimeConfig, from_json

ROOM = 100_000
"""Bytes that are told."""

RESIDENT = RuntimeConfig(resident_bytes=64 * MiB)
"""All of these sessions."""


async def contexts(bench: Bench) -> None:
    """How long a context of 100 KB takes, of a session of 10,000 messages."""
    length, times = bench.of((10_000, 100), (200, 3))
    sessions = {
        "as agents talk": conversation(length),
        "short messages": [short_message(number) for number in range(length)],
        "tools alone": list(_tools(length)),
    }
    path = bench.new()
    for number, messages in enumerate(sessions.values()):
        fill(path, f"s-{number}-", [[from_json(message) for message in messages]])
    async with running(path, RESIDENT) as runtime:
        calls = {}
        for number, what in enumerate(sessions):
            context = partial(runtime.session(f"s-{number}-0").context, max_bytes=ROOM)
            told = await context()  # it is in memory from here on
            size = sum(map(len, told.texts))
            if not bench.quick:
                assert ROOM * 0.9 < size < ROOM, f"{size} bytes"
            note = f"{len(told.texts)} messages are told"
            calls[what] = (partial(seconds_of, context, times), note)
        work = f"context of {length:,} messages, cut to {ROOM // 1000} KB"
        named = {f"{OURS}, {what}": call for what, call in calls.items()}
        found = await bench.compare(work, "s", named)
    bench.judge("context", worst(found.values()))


def _tools(length: int) -> Iterator[Message]:
    """An agent at work: a call and its result, short ones, and now and then a word of the user."""
    for number in range(length // 2):
        if number % 10 == 0:
            yield {"role": "user", "content": "go on"}
        function = {"name": "open_file", "arguments": '{"file_name": "tests/test_1.py"}'}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        yield {"role": "assistant", "content": None, "tool_calls": [call]}
        yield {"role": "tool", "content": "x" * 100, "tool_call_id": f"call_{number}"}
