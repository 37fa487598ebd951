"""A link names the whole log up to it: whatever differs shows in it, and in all later ones."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runtime.session.entries.chain import (
    DIGEST_SIZE,
    LINK_SIZE,
    digest,
    digest_of,
    dropped_body,
    link,
    new_root,
    tag,
)
from runtime.store.entries import DROPPED, NUMBER_ID, PLAIN, TEXT_ID, Entry
from tests.properties import examples
from tests.runtime.session.builders import NOON, at, entry

ROOT = bytes(LINK_SIZE)

short = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
bodies = st.binary(max_size=6)
said = st.tuples(
    short, st.none() | short, st.sampled_from([NOON, at(1)]), bodies, st.none() | bodies
)
"""Kind, key, time, body and metadata. Short, so that letters move between neighbours."""


def links(entries: Sequence[tuple[Any, ...]], root: bytes = ROOT) -> list[bytes]:
    """The chain behind each of the entries."""
    found = [root]
    for seq, (kind, key, moment, body, metadata) in enumerate(entries, 1):
        found.append(link(found[-1], seq, kind, key, moment, digest(body, metadata)))
    return found[1:]


@given(st.lists(said, max_size=6))
def test_equal_logs_have_equal_chains(entries: list[tuple[Any, ...]]) -> None:
    assert links(entries) == links(list(entries))


@settings(max_examples=examples(2))
@given(said, said)
def test_two_entries_never_say_the_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assume(one != other)
    assert links([one]) != links([other])


@given(st.lists(said, min_size=1, max_size=6), st.data())
def test_what_is_changed_shows_from_there_on(
    entries: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    other = data.draw(said.filter(lambda one: one != entries[place]))
    before, after = links(entries), links([*entries[:place], other, *entries[place + 1 :]])
    assert before[:place] == after[:place]
    assert all(one != two for one, two in zip(before[place:], after[place:], strict=True))


@given(said, said)
def test_the_order_shows(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assume(one != other)
    assert links([one, other])[-1] != links([other, one])[-1]


BODY = b'{"role":"user","content":"hi"}'
PLAINLY: tuple[Any, ...] = ("message", "k", NOON, BODY, b"1")


@pytest.mark.parametrize(
    "other",
    [
        ("messagf", "k", NOON, BODY, b"1"),
        ("message", "l", NOON, BODY, b"1"),
        ("message", None, NOON, BODY, b"1"),
        ("message", "", NOON, BODY, b"1"),
        ("message", "k", at(1), BODY, b"1"),
        ("message", "k", NOON, BODY.replace(b"hi", b"ho"), b"1"),
        ("message", "k", NOON, BODY, b"2"),
        ("message", "k", NOON, BODY, b""),
        ("message", "k", NOON, BODY, None),
        ("message", "k", NOON, BODY + b"1", b""),
        ("messagek", "", NOON, BODY, b"1"),
    ],
)
def test_a_letter_of_any_part_shows(other: tuple[Any, ...]) -> None:
    assert links([PLAINLY]) != links([other])


def test_no_key_and_an_empty_key_are_two_things() -> None:
    assert links([("m", None, NOON, b"", None)]) != links([("m", "", NOON, b"", None)])


def test_the_number_shows() -> None:
    assert link(ROOT, 1, "m", None, NOON, b"") != link(ROOT, 2, "m", None, NOON, b"")


def test_logs_of_two_sessions_that_say_the_same_have_other_chains() -> None:
    assert new_root() != new_root()
    assert links([PLAINLY], new_root()) != links([PLAINLY], new_root())


def test_whether_the_key_was_a_member_of_the_message_shows() -> None:
    assert len({digest(BODY, None, form) for form in (0, TEXT_ID, NUMBER_ID)}) == 3


@pytest.mark.parametrize("form", [PLAIN, DROPPED])
def test_what_is_noted_beside_an_entry_does_not_show(form: int) -> None:
    assert digest(BODY, None, form) == digest(BODY)


def test_a_link_and_a_digest_have_their_sizes() -> None:
    assert len(digest(BODY)) == DIGEST_SIZE
    assert len(new_root()) == len(links([PLAINLY])[0]) == LINK_SIZE


def test_a_body_that_was_dropped_has_its_digest_still() -> None:
    one: Entry = entry(1, kind="record", key="k", body=b'{"value":1}', form=0)
    gone = evolve(one, body=dropped_body(one), form=DROPPED)
    assert digest_of(gone) == digest_of(one)
    assert dropped_body(gone) == gone.body


def test_a_tag_names_number_and_chain() -> None:
    assert tag(12, bytes.fromhex("00ff00ff00ff00ff")) == "12-00ff00ff00ff00ff"
