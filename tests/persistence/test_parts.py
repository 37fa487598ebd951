"""What one commit takes of a long change."""

from persistence.parts import KEYED, Room
from runtime import Entry
from tests.runtime.session.builders import entry

ROOM = Room(long=10, long_size=1_000, entries=4, size=100, least=2)


def texts(*sizes: int, key: str | None = None) -> list[Entry]:
    return [entry(seq, body=b"x" * size, key=key) for seq, size in enumerate(sizes, 1)]


def taken(entries: list[Entry], *, room: Room = ROOM, sharers: int = 1) -> int:
    return len(room.share(entries, sharers=sharers))


def test_a_part_has_so_many_entries() -> None:
    assert taken(texts(*[1] * 20)) == 4


def test_a_part_has_so_many_bytes_or_one_entry_more() -> None:
    assert taken(texts(60, 60, 60, 60, 60)) == 2
    assert taken(texts(500, 1, 1)) == 1


def test_the_last_entry_is_for_the_commit_that_finishes_it() -> None:
    assert taken(texts(1, 1, 1)) == 2


def test_a_key_counts_for_the_page_that_it_writes() -> None:
    room = Room(entries=50, size=3 * KEYED)
    assert taken(texts(*[1] * 20), room=room) == 19
    assert taken(texts(*[1] * 20, key="k"), room=room) == 3


def test_several_share_the_room_but_for_what_would_be_all_commits() -> None:
    assert taken(texts(*[1] * 20), sharers=2) == 2
    assert taken(texts(*[1] * 20), sharers=4) == 2


def test_what_is_long_is_so_by_number_or_by_size() -> None:
    assert not ROOM.is_long(texts(*[1] * 10), is_begun=False)
    assert ROOM.is_long(texts(*[1] * 11), is_begun=False)
    assert ROOM.is_long(texts(600, 600), is_begun=False)
    assert not ROOM.is_long(texts(5_000), is_begun=False)


def test_what_has_begun_goes_on_until_the_rest_is_a_part() -> None:
    assert ROOM.is_long(texts(*[1] * 5), is_begun=True)
    assert not ROOM.is_long(texts(*[1] * 4), is_begun=True)
