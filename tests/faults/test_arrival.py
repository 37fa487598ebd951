"""A history that is not what it was is told from one that is, wherever the bytes are parted."""

from http.client import IncompleteRead
from io import BytesIO

import pytest

from tests.faults.arrival import Arrival, separated

MESSAGES = (b'{"role":"user","content":"a"}', b'{"role":"user","content":"b"}')
WHOLE = b'{"session_id":"s","messages":[%b,%b],"message_count":2}' % MESSAGES


class Cut(BytesIO):
    """A body that breaks off."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise IncompleteRead(b"")
        return data


def arrived(body: BytesIO, piece: int = 1_000) -> Arrival:
    arrival = Arrival(body, separated(MESSAGES))
    while not arrival.is_over:
        arrival.read(piece)
    return arrival


@pytest.mark.parametrize("piece", [1, 7, 1_000])
def test_a_history_that_is_as_it_was_has_no_problem(piece: int) -> None:
    arrival = arrived(BytesIO(WHOLE), piece)
    assert arrival.problems() == []
    assert not arrival.was_cut
    assert arrival.members()["message_count"] == 2


@pytest.mark.parametrize("piece", [1, 7, 1_000])
def test_another_letter_is_found(piece: int) -> None:
    [problem] = arrived(BytesIO(WHOLE.replace(b'"b"', b'"c"')), piece).problems()
    assert "not what it was" in problem


def test_a_message_too_many_is_found() -> None:
    [problem] = arrived(BytesIO(WHOLE.replace(b"],", b",{}],"))).problems()
    assert "not what it was" in problem


def test_a_history_that_ends_early_is_found() -> None:
    [problem] = arrived(BytesIO(WHOLE[:60])).problems()
    assert problem == "the history ended before its last message"


def test_what_is_cut_is_right_as_far_as_it_came() -> None:
    arrival = arrived(Cut(WHOLE[:60]))
    assert arrival.was_cut
    assert arrival.problems() == []
