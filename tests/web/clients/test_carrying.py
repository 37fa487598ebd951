"""Whatever a framework gives comes back from the service as it was."""

import json
import math

from hypothesis import example, given
from hypothesis import strategies as st

from tests.service import Service
from web.clients import AgentRuntimeClient
from web.clients.core.call import content_of
from web.clients.shared.carrying import DEPTH, brought, carried, cleaned, is_carried

TEXT = st.text(st.characters(codec=None), max_size=10)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def deep(levels: int) -> object:
    value: object = "in the middle"
    for _ in range(levels):
        value = [value]
    return value


@given(ANY)
@example({"json": "1"})
@example({"json": 1})
@example("\ud800")
@example({"\ud800": [math.inf]})
@example(deep(DEPTH + 100))
def test_what_was_carried_is_brought(value: object) -> None:
    sent = content_of(carried(value))
    assert brought(json.loads(sent)) == value


@given(ANY)
def test_what_is_plain_is_carried_as_it_is(value: object) -> None:
    if is_carried(value) and not (isinstance(value, dict) and value.keys() == {"json"}):
        assert carried(value) is value


@given(ANY)
@example(math.nan)
@example("a\ud83d\ude00\ud800")
def test_what_is_cleaned_can_be_shown(value: object) -> None:
    shown = cleaned(value)
    assert is_carried(shown)
    if isinstance(value, str):
        assert isinstance(shown, str)


def test_the_service_takes_what_is_carried_and_gives_it_back(
    service: Service, client: AgentRuntimeClient, session_id: str
) -> None:
    values = ["\ud800", math.inf, deep(DEPTH), deep(DEPTH + 1), deep(500), {"json": "{}"}, 2**80]
    put = [{"key": str(place), "value": carried(value)} for place, value in enumerate(values)]
    client.put_records(session_id, put)  # type: ignore[arg-type]
    found = [brought(one["value"]) for one in client.iter_records(session_id)]
    assert found == values
