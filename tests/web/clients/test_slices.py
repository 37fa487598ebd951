"""What is too large for one call, in pieces."""

from typing import Any

from web.clients.shared.slices import LARGEST, Joining, is_piece, pieces_of, size_of

VALUE = {"type": "user", "text": "\\" * LARGEST, "n": 1}


def pieces() -> list[Any]:
    return [entry["body"]["value"] for entry in pieces_of("some/", "key", VALUE)]


def test_each_piece_fits_into_a_call_and_has_a_key_of_its_own() -> None:
    entries = list(pieces_of("some/", "key", VALUE))
    assert len(entries) > 2
    assert max(map(size_of, entries)) < LARGEST + 1000
    assert [entry["key"] for entry in entries[:2]] == ["some/key/0", "some/key/1"]


def test_they_are_the_value_when_the_last_has_come_in_whatever_order() -> None:
    joining = Joining()
    *others, last = reversed(pieces())
    assert [joining.joined(piece) for piece in others] == [None] * len(others)
    assert not joining.is_whole
    assert joining.joined(last) == VALUE
    assert joining.is_whole


def test_a_value_that_is_kept_whole_is_no_piece() -> None:
    assert all(map(is_piece, pieces()))
    assert not is_piece({"type": "user"})
    assert not is_piece(["a", "b"])
