"""What a message's metadata says of what it took."""

from typing import Any

import msgspec
import pytest

from runtime.session.work.reported import MAX_NUMBER, Reported, reported

OPENAI = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 6},
}
ANTHROPIC = {
    "input_tokens": 5,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 2**40,
    "cache_creation": {"ephemeral_5m_input_tokens": 7},
    "output_tokens": 3,
    "server_tool_use": None,
    "service_tier": "standard",
}
GEMINI = {"promptTokenCount": 8, "candidatesTokenCount": 2, "promptTokensDetails": [{}]}


def read(metadata: Any) -> Reported | None:
    return reported(msgspec.json.encode(metadata))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            OPENAI,
            {
                "prompt_tokens": 19,
                "completion_tokens": 10,
                "total_tokens": 29,
                "prompt_tokens_details.cached_tokens": 4,
                "prompt_tokens_details.audio_tokens": 0,
                "completion_tokens_details.reasoning_tokens": 6,
            },
        ),
        (
            ANTHROPIC,
            {
                "input_tokens": 5,
                "cache_creation_input_tokens": 7,
                "cache_read_input_tokens": 2**40,
                "cache_creation.ephemeral_5m_input_tokens": 7,
                "output_tokens": 3,
            },
        ),
        (GEMINI, {"promptTokenCount": 8, "candidatesTokenCount": 2}),
    ],
)
def test_the_usual_members_are_counted_under_their_own_names(usage: Any, expected: Any) -> None:
    for name in ("usage", "usageMetadata", "usage_metadata"):
        assert read({name: usage, "other": [1]}) == Reported("", expected)


def test_the_model_may_stand_beside() -> None:
    found = read({"usage": GEMINI, "model": "gemini-x"})
    assert found is not None
    assert found.model == "gemini-x"
    for model in (5, "", "x" * 257, None):
        found = read({"usage": GEMINI, "model": model})
        assert found is not None
        assert found.model == ""


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        [],
        "usage",
        {"usage": 5},
        {"usage": {}},
        {"usage": {"temperature": 1}},
        {"usage": {"prompt_tokens": "19"}},
        {"usage": {"prompt_tokens": True}},
        {"usage": {"prompt_tokens": None, "prompt_tokens_details": {"cached_tokens": 4}}},
        {"usage": {"prompt_tokens": MAX_NUMBER + 1}},
        {"usage": [{"prompt_tokens": 1}]},
        {"nested": {"usage": OPENAI}},
        {"usage": {"prompt_tokens": 1, "padding": "x" * 70_000}},
    ],
)
def test_all_else_is_not(metadata: Any) -> None:
    assert read(metadata) is None


def test_only_the_usual_members_are_counted() -> None:
    found = read({"usage": {"input_tokens": 1, "latency_ms": 900, "cost": "1"}})
    assert found is not None
    assert found.numbers == {"input_tokens": 1}


def test_in_large_metadata_it_is_found_as_well() -> None:
    found = read({"trace": ["x" * 1000] * 100, "usage": ANTHROPIC, "more": {"a": "y" * 70_000}})
    assert found is not None
    assert found.numbers["output_tokens"] == 3
