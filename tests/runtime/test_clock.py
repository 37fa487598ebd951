from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from runtime.clock import timestamp, utc_now


def test_a_moment_is_written_as_utc_with_milliseconds() -> None:
    assert timestamp(datetime(2025, 12, 31, 8, 45, tzinfo=UTC)) == "2025-12-31T08:45:00.000Z"


def test_a_moment_elsewhere_is_written_as_utc() -> None:
    moscow = timezone(timedelta(hours=3))
    moment = datetime(2026, 1, 1, 1, 30, 0, 123456, tzinfo=moscow)
    assert timestamp(moment) == "2025-12-31T22:30:00.123Z"


@given(st.lists(st.datetimes(timezones=st.just(UTC))))
def test_the_texts_sort_as_the_moments_do(moments: list[datetime]) -> None:
    assert [timestamp(moment) for moment in sorted(moments)] == sorted(map(timestamp, moments))


def test_the_clock_of_the_machine_knows_its_zone() -> None:
    assert utc_now().tzinfo is UTC
