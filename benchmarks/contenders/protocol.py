"""How a contender is driven: a line of JSON for each piece of work, a line of JSON back.

The first line that it prints says what it is (`About`). Then it may be asked:

- `{"do": "append", "sessions": 64, "messages": 5}`: that many new sessions at once; to each it
  appends that many short messages, one after the other
- `{"do": "fill", "session": "long", "messages": 5000}`: a conversation of that length
- `{"do": "append_to", "session": "long", "messages": 10}`: short messages, one after the other
- `{"do": "history", "session": "long", "times": 3}`: reads all of it

and answers `{"seconds": …, "latencies": […], "failed": 0}`: how long all of it took, and each call.
What `append` took is until nothing goes on in the background.
`failed` counts the calls that did not get SQLite's lock in time. Filling is one call. Whoever has
read is also told how many `messages` there were.

While it waits for a line, its event loop stands still: only one contender works at a time. It ends
with its input.
"""

import json
import sys
from itertools import count
from time import perf_counter
from typing import Any

from benchmarks.contenders.contender import Calls, Contender, Session, Together
from benchmarks.workload import conversation, short_message


async def serve(contender: Contender, together: Together) -> None:
    """Does what standard input asks for. Raises `ValueError` for anything else."""
    _say(dict(contender.about))
    named: dict[str, Session] = {}
    for line, turn in zip(sys.stdin, count(), strict=False):
        order = json.loads(line)
        calls = Calls(contender.locked)
        more: dict[str, int] = {}
        started = perf_counter()
        match order:
            case {"do": "append", "sessions": int(sessions), "messages": int(messages)}:
                ids = [f"turn-{turn}-{number}" for number in range(sessions)]
                seconds = await contender.append_together(ids, messages, calls, together)
            case {"do": "fill", "session": str(name), "messages": int(messages)}:
                named[name] = await contender.session(name)
                await calls.time(named[name].fill(conversation(messages)))
                seconds = perf_counter() - started
            case {"do": "append_to", "session": str(name), "messages": int(messages)}:
                for number in range(messages):
                    await calls.time(named[name].append(short_message(number)))
                seconds = perf_counter() - started
            case {"do": "history", "session": str(name), "times": int(times)}:
                for _ in range(times):
                    more["messages"] = len(await calls.time(named[name].history()) or ())
                seconds = perf_counter() - started
            case _:
                raise ValueError(f"no such work: {line}")
        await contender.settle()
        _say({"seconds": seconds, "latencies": calls.latencies, "failed": calls.failed} | more)


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)
