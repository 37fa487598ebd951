"""What ids of sessions say of a framework's names."""

import pytest

from web.clients.names import key_of, parts_of, prefixes_of, session_id_of

NAMES = [
    ("shop", "ann", "1"),
    ("shop", "ann", ""),
    ("shop", ""),
    ("a:b", "c", "d"),
    ("a", "b:c", "d"),
    ("~", "b", "100 %"),
    ("\x00", "\ud800", "ü/?"),
]
LONG = ("shop", "ann", "x" * 600)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_an_id_tells_the_parts_of_its_name(name: tuple[str, ...]) -> None:
    assert tuple(parts_of(session_id_of(*name))) == name


def test_a_digest_tells_none() -> None:
    assert not parts_of(session_id_of(*LONG))


def test_names_of_several_parts_never_share_an_id() -> None:
    assert len({session_id_of(*name) for name in [*NAMES, LONG]}) == len(NAMES) + 1


@pytest.mark.parametrize("name", [*NAMES, LONG], ids=ascii)
def test_an_id_begins_as_its_first_parts_say(name: tuple[str, ...]) -> None:
    found = session_id_of(*name)
    for count in range(1, len(name)):
        assert found.startswith(tuple(prefixes_of(*name[:count])))


def test_no_prefix_is_longer_than_an_id_can_be() -> None:
    assert list(prefixes_of("x" * 600)) == ["~="]


def test_a_key_is_the_id_itself_where_that_can_be_one() -> None:
    assert key_of("msg 1/ü") == "msg 1/ü"


@pytest.mark.parametrize("name", ["", "a\nb", "\ud800", "~=", "ü" * 200], ids=ascii)
def test_any_other_id_has_a_digest_as_its_key(name: str) -> None:
    assert key_of(name).startswith("~=")
    assert len(key_of(name)) == 66
