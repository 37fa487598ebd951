"""A framework's names become session ids: a legal one is itself, and no two become one."""

from hypothesis import example, given
from hypothesis import strategies as st

from web.clients.calls.terms import path
from web.clients.names import LONGEST, session_id_of

ANY = st.text(st.characters(codec=None))
NAMES = st.lists(ANY, min_size=1, max_size=3).map(tuple)


def may_be_an_id(name: str) -> bool:
    """As the service has it."""
    shown = all(one >= " " and not "\x7f" <= one <= "\x9f" for one in name)
    return 0 < len(name.encode()) <= LONGEST and shown and name not in (".", "..")


@given(NAMES)
@example(("",))
@example(("..",))
@example(("\ud800",))
@example(("x" * 600,))
@example(("\ud800" * 300, "y"))
def test_any_name_becomes_an_id_that_a_session_can_have(name: tuple[str, ...]) -> None:
    session_id = session_id_of(*name)
    assert may_be_an_id(session_id)
    assert path(session_id)


@given(NAMES, NAMES)
@example(("a", "b:c"), ("a:b", "c"))
@example(("a:b",), ("a", "b"))
@example(("~a%3Ab",), ("a:b",))
@example(("",), ("", ""))
def test_different_names_become_different_ids(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    same = session_id_of(*one) == session_id_of(*other)
    assert same == (one == other or is_written_alike(one, other))


def is_written_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """`("a:b",)` is `("a", "b")`: a framework has names of one part, or of several, not both."""
    return (
        len(one) != len(other) and ":".join(one) == ":".join(other) and all(map(all, (one, other)))
    )


@given(st.text(min_size=1, max_size=100).filter(may_be_an_id).filter(lambda one: one[0] != "~"))
def test_a_name_that_can_be_an_id_is_it(name: str) -> None:
    assert session_id_of(name) == name
