"""The conversations that everything is measured with.

Made up, but with the sizes of real ones: the lengths are those of coding agents' transcripts (tens
of turns, a median message of 0.6 KB, a tenth above 3.6 KB). Or real ones, from a folder of
`.jsonl` files with one message a line. The standard library alone: peers import this too.
"""

import json
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

Message = dict[str, Any]
"""As over REST: `role`, `content`, and where needed `name`, `tool_calls`, `tool_call_id`."""

SHORT = 300
"""Characters of a message where all have to be alike: what a person types, or a short answer."""

_LENGTHS = {
    "user": (183, 450, 725, 1184, 1900, 2742, 4361),
    "assistant": (117, 185, 260, 336, 460, 585, 667),
    "tool": (111, 177, 250, 327, 423, 500, 609),
}
"""Characters, at about the 10th to the 90th percentile of real transcripts, by role."""

_PROSE = (
    'the file "src/main.py" has an error in line 42, so I will open it and see what it says; '
    "def parse(self, text): return [int(x) for x in text.split(',')]\n    assert result == 7, "
    "'naïve' … and then run the tests again: 3 passed, 1 failed\n\ttraceback — most recent call "
    "last: KeyError: 'größe' → fix: use .get() with a default value, please"
)
_WORDS = _PROSE.split(" ")


def encoded(value: object) -> str:
    """The value as JSON, as short as it can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text(length: int, random: Random) -> str:
    """Prose and code of about this many characters, with what JSON has to escape."""
    start = random.randrange(len(_WORDS))
    words = islice(cycle(_WORDS), start, None)
    parts: list[str] = []
    size = 0
    for word in words:
        parts.append(word)
        size += len(word) + 1
        if size >= length:
            break
    return " ".join(parts)


def conversation(length: int, seed: int = 0) -> list[Message]:
    """A conversation of `length` messages; the same for the same seed."""
    return list(islice(_turns(Random(seed)), length))  # noqa: S311 -- it only varies the text


def _turns(random: Random) -> Iterator[Message]:
    yield {"role": "system", "content": text(1500, random)}
    for turn in range(1, 2**31):
        yield {"role": "user", "content": _by_role("user", random)}
        if turn % 4 == 0:
            call_id = f"call_{random.randrange(16**24):024x}"
            arguments = json.dumps({"file_name": f"tests/test_{turn}.py"})
            function = {"name": "open_file", "arguments": arguments}
            yield {
                "role": "assistant",
                "content": _by_role("assistant", random),
                "tool_calls": [{"id": call_id, "type": "function", "function": function}],
            }
            yield {
                "role": "tool",
                "content": _by_role("tool", random),
                "tool_call_id": call_id,
                "name": "open_file",
            }
        yield {"role": "assistant", "content": _by_role("assistant", random)}


def _by_role(role: str, random: Random) -> str:
    return text(random.choice(_LENGTHS[role]), random)


def short_message(number: int = 0) -> Message:
    """A user's message of `SHORT` characters; different numbers differ in content."""
    return {"role": "user", "content": f"{number} ".ljust(SHORT, "z")}


def _hex(bits: int, random: Random) -> str:
    return f"{random.getrandbits(bits):x}".zfill(bits // 4)


def rich_message(random: Random) -> Message:
    """A turn of an assistant: what it thought, what it says, and a tool that it calls."""
    edit = {"old": text(150, random), "new": text(200, random)}
    content = [
        {"type": "thinking", "thinking": text(600, random), "signature": _hex(1_200, random)},
        {"type": "text", "text": text(200, random)},
        {
            "type": "tool_use",
            "id": f"toolu_{_hex(96, random)}",
            "name": "edit_file",
            "input": {"path": "src/main.py", "edits": [edit], "dry_run": False},
        },
    ]
    usage = {"input_tokens": 12_345, "output_tokens": 678, "cache_read_tokens": 11_000}
    about = {"model": "a-model-of-somebody", "stop_reason": "tool_use", "usage": usage}
    return {"role": "assistant", "content": content, **about}


def plain_message(size: int, random: Random) -> Message:
    """A message of text alone, of so many bytes as JSON."""
    message = {"role": "assistant", "content": text(size // 2, random)}
    missing = size - len(encoded(message).encode())
    return message | {"content": message["content"] + "z" * missing}


def transcripts(folder: Path) -> list[list[Message]]:
    """Real conversations. Raises `SystemExit` if there is none, and for a line that is no JSON."""
    found = [_transcript(file) for file in sorted(folder.glob("*.jsonl"))]
    if not any(found):
        raise SystemExit(f"{folder} has no .jsonl file with messages, one a line")
    return found


def _transcript(file: Path) -> list[Message]:
    messages = []
    # Not `splitlines`: JSON may have other line ends than this one within its texts.
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
        if line.strip():
            try:
                messages.append(json.loads(line))
            except ValueError as error:
                raise SystemExit(f"{file}, line {number}: {error}") from error
    return messages
