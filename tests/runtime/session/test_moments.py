"""A moment of ours is packed into nine bytes, and no other text is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.entries.moments import MOMENT_SIZE, packed, unpacked
from tests.runtime.session.builders import NOON


def text_of(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


moments = st.datetimes(timezones=st.just(UTC)).map(text_of)


@given(st.lists(moments, max_size=4))
def test_moments_are_unpacked_to_what_they_were(texts: list[str]) -> None:
    together = packed(*texts)
    assert len(together) == MOMENT_SIZE * len(texts)
    places = range(0, len(together), MOMENT_SIZE)
    assert [unpacked(together[place : place + MOMENT_SIZE]) for place in places] == texts


@given(moments, moments)
def test_packed_moments_sort_as_their_texts_do(one: str, other: str) -> None:
    assert (packed(one) < packed(other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        NOON[:-1],
        NOON + "0",
        NOON.replace("Z", "+00:00"),
        NOON.replace("Z", "z"),
        NOON.replace("T", " "),
        NOON.replace("12:00:00.000", "12:00:00,000"),
        NOON.replace("2025", "two5"),
        NOON.replace("2025", "abcd"),
        NOON.replace("2025", "٢٠٢٥"),
        "yesterday",
        # As many digits, elsewhere.
        "2025-1231-T12:00:00.000Z",
        "20251231120000000-T:.Z--",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time is not one of this program's"):
        packed(text)


def test_texts_of_another_length_that_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="time is not one of this program's"):
        packed(NOON[:-1], NOON + "0")
