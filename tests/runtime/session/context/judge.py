"""A naive judge of what is sent to a model: it names each rule of a provider that is broken.

It looks at plain messages and shares nothing with what makes a context.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

ITEMS = (
    "function_call",
    "custom_tool_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
)
SYSTEM = ("system", "developer")
ASSISTANT = ("assistant", "model", "ai")


def problems(messages: Sequence[Json]) -> list[str]:
    """All that a provider would refuse."""
    return [*beginning(messages), *pairing(messages), *uniqueness(messages)]


def beginning(messages: Sequence[Json]) -> Iterator[str]:
    """It begins with a user's message, or with the system's and then one."""
    rest = [message for message in messages if role(message) not in SYSTEM]
    if rest and (role(rest[0]) not in ("user", "human") or only_results(rest[0])):
        yield f"it begins with {rest[0]}"


def pairing(messages: Sequence[Json]) -> Iterator[str]:
    """Behind the calls of an answer come their results, all of them, and nothing between."""
    place = 0
    while place < len(messages):
        end = end_of_answer(messages, place)
        wanted = Counter(name for message in messages[place:end] for name in named(message, "call"))
        if not wanted and (found := named(messages[place], "result")):
            yield f"message {place}: results {found} without calls"
        place, hosts = end, 0
        while wanted:
            found = named(messages[place], "result") if place < len(messages) else []
            if not found:
                yield f"message {place}: {sorted(map(str, wanted))} without results"
                break
            for name in found:
                if not take(wanted, name):
                    yield f"message {place}: a result {name} too many"
            if part_results(messages[place]):
                hosts += 1
                if part_results(messages[place]) != list(range(len(found))):
                    yield f"message {place}: results behind other parts"
            place += 1
        if hosts > 1:
            yield f"message {place}: results that are parts in {hosts} messages"


def end_of_answer(messages: Sequence[Json], place: int) -> int:
    """Mostly one message; in OpenAI's Responses an answer is several items."""
    end = place + 1
    if messages[place].get("type") in ITEMS:
        while end < len(messages) and (
            messages[end].get("type") in ITEMS
            or (role(messages[end]) in ASSISTANT and not named(messages[end], "call"))
        ):
            end += 1
    return end


def uniqueness(messages: Sequence[Json]) -> Iterator[str]:
    """Anthropic's calls have ids of their own."""
    ids = Counter(
        part["id"]
        for message in messages
        if role(message) in ASSISTANT and not message.get("tool_calls")
        for part in parts_of(message)
        if part.get("type") == "tool_use" and part.get("id")
    )
    yield from (f"{name} is called {count} times" for name, count in ids.items() if count > 1)


def role(message: Json) -> str:
    found: str = message["role"].lower()
    return found


def parts_of(message: Json) -> list[Json]:
    for name in ("content", "parts"):
        if isinstance(message.get(name), list):
            return [part if isinstance(part, dict) else {} for part in message[name]]
    return []


def named(message: Json, what: str) -> list[tuple[str, str | None]]:
    """Family and id (or name) of each call, or result, of a message."""
    return list(calls_of(message) if what == "call" else results_of(message))


def calls_of(message: Json) -> Iterator[tuple[str, str | None]]:
    if message.get("type") in ITEMS:
        yield "item", message["call_id"]
        return
    if role(message) not in ASSISTANT:
        return
    members = message.get("tool_calls") or []
    yield from (("chat", call.get("id")) for call in members)
    if isinstance(message.get("function_call"), dict):
        yield "function", message["function_call"]["name"]
    ids = {call.get("id") for call in members}
    for part in parts_of(message):
        if part.get("type") == "tool_use" and part.get("id") not in ids:
            yield "tool_use", part.get("id")
        if "functionCall" in part:
            yield "gemini", part["functionCall"]["name"]


def results_of(message: Json) -> Iterator[tuple[str, str | None]]:
    if str(message.get("type")) in [f"{name}_output" for name in ITEMS]:
        yield "item", message["call_id"]
        return
    if role(message) in (*ASSISTANT, *SYSTEM):
        return
    if part_results(message):
        for part in parts_of(message):
            if part.get("type") == "tool_result":
                yield "tool_use", part.get("tool_use_id")
            if "functionResponse" in part:
                yield "gemini", part["functionResponse"]["name"]
    elif role(message) == "function":
        yield "function", message["name"]
    elif role(message) == "tool":
        yield "chat", message.get("tool_call_id")


def part_results(message: Json) -> list[int]:
    """Where among its parts the results are."""
    if role(message) in (*ASSISTANT, *SYSTEM):
        return []
    return [
        place
        for place, part in enumerate(parts_of(message))
        if part.get("type") == "tool_result" or "functionResponse" in part
    ]


def only_results(message: Json) -> bool:
    return bool(named(message, "result")) and len(part_results(message)) == len(parts_of(message))


def take(wanted: Counter[tuple[str, str | None]], name: tuple[str, str | None]) -> bool:
    """Strikes one out. An id is an id, in whatever form it is written."""
    same = [name, *((family, name[1]) for family in ("chat", "tool_use") if name[1] is not None)]
    for known in same:
        if wanted[known] > 0:
            wanted[known] -= 1
            break
    else:
        return False
    for known in [known for known, count in wanted.items() if not count]:
        del wanted[known]
    return True
