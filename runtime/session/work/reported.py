"""What a message's metadata says of what it took to make it.

Providers answer with an object of numbers, and many programs keep that as it came, under `usage`,
or, as Gemini and LangChain have it, `usageMetadata` or `usage_metadata`. It is counted if it has at
least one of the usual members, and only those are; `model` beside it names the model. The names
are:

- OpenAI's (https://platform.openai.com/docs/api-reference/chat/object,
  https://platform.openai.com/docs/api-reference/responses/object): `prompt_tokens`,
  `completion_tokens`, `total_tokens`, `input_tokens`, `output_tokens`, with their `…_details`;
- Anthropic's (https://docs.claude.com/en/api/messages): `input_tokens`, `output_tokens`,
  `cache_creation_input_tokens`, `cache_read_input_tokens`, with `cache_creation` and
  `server_tool_use`;
- Gemini's (https://ai.google.dev/api/generate-content#UsageMetadata): `promptTokenCount`,
  `candidatesTokenCount` and their like, or as its Python library writes them, `prompt_token_count`.

A number within another object is summed under both names: `prompt_tokens_details.cached_tokens`.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from attrs import frozen
from msgspec import Raw, Struct

from runtime.session.bodies.picking import picked
from runtime.session.bodies.pieces import WHOLE
from runtime.session.kind import REPORT
from runtime.session.rules import MAX_NAME
from runtime.store.used import Numbers

MAX_NUMBER = 2**53 - 1
"""Of either sign: JSON's readers have it exactly everywhere, and no sum leaves a double's range."""

_NONE = Raw()

USUAL = frozenset(
    (
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "promptTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
        "cachedContentTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "prompt_token_count",
        "candidates_token_count",
        "total_token_count",
        "cached_content_token_count",
        "thoughts_token_count",
        "tool_use_prompt_token_count",
    )
)

DETAILS = frozenset(
    (
        "prompt_tokens_details",
        "completion_tokens_details",
        "input_tokens_details",
        "output_tokens_details",
        "input_token_details",
        "output_token_details",
        "cache_creation",
        "server_tool_use",
    )
)
"""Members that hold numbers in their turn."""


class _Metadata(Struct):
    usage: Raw = _NONE
    usageMetadata: Raw = _NONE  # noqa: N815 # as Gemini writes it
    usage_metadata: Raw = _NONE
    model: str | None = None


_metadata = msgspec.json.Decoder(_Metadata)


@frozen
class Reported:
    """What one message took."""

    model: str
    """Empty: it is not said which."""
    numbers: Numbers


def reported(metadata: bytes) -> Reported | None:
    """What a message's metadata, as JSON, says; `None` if it says nothing of the kind."""
    if REPORT not in metadata:
        return None
    found: _Metadata | None = None
    if len(metadata) <= WHOLE:
        with suppress(msgspec.ValidationError):
            found = _metadata.decode(metadata)
    found = found or picked(metadata, _Metadata)
    if found is None:
        return None
    for usage in (found.usage, found.usageMetadata, found.usage_metadata):
        numbers = dict(_numbers(usage))
        if numbers:
            model = found.model if found.model and len(found.model) <= MAX_NAME else ""
            return Reported(model, numbers)
    return None


def kept_report(report: Reported) -> bytes:
    """Metadata that says the same, and nothing else, as JSON."""
    usage: dict[str, Any] = {}
    for name, number in report.numbers.items():
        outer, dot, inner = name.partition(".")
        if dot and outer in DETAILS:
            usage.setdefault(outer, {})[inner] = number
        else:
            usage[name] = number
    model = {"model": report.model} if report.model else {}
    return msgspec.json.encode({"usage": usage, **model})


def is_number(value: Any) -> bool:
    """Whether a value can be summed."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -MAX_NUMBER <= value <= MAX_NUMBER
    )


def _numbers(usage: Raw) -> Iterator[tuple[str, int | float]]:
    view = memoryview(usage)
    if view.nbytes < 2 or view[0] != ord("{") or view.nbytes > WHOLE:
        return
    sent: Mapping[str, Any] = msgspec.json.decode(usage)
    if not any(name in USUAL and is_number(value) for name, value in sent.items()):
        return
    for name, value in sent.items():
        if name in USUAL and is_number(value):
            yield name, value
        elif name in DETAILS and isinstance(value, dict):
            for inner, number in value.items():
                if is_number(number) and len(inner) <= MAX_NAME:
                    yield f"{name}.{inner}", number
