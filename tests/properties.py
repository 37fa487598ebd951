"""How many examples of a property are tried."""

from hypothesis import settings


def examples(times: float) -> int:
    """So many times as many as the profile has, see `tests/conftest.py`.

    A number would stand whatever the profile says: `make test` has minutes, and `thorough` hours.
    """
    return max(1, round(settings().max_examples * times))
