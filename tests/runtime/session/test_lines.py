"""A log as lines: what is written is read again, link by link, and what is wrong is named."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from runtime.errors import InvalidInput
from runtime.session.files.arriving import ArrivingLog, read_log
from runtime.session.files.exported import exported
from runtime.session.files.lines import is_heading, lines_of
from runtime.session.state import SessionState
from runtime.store.entries import NUMBER_ID, Entry
from tests.runtime.session.builders import NOON, absent, at, messages, say, session_with, user

HEADING = {"format": "agent-runtime", "session_id": "s"}


def file_of(state: SessionState) -> bytes:
    """The session as a file."""
    life = state.present()
    entries = [life.entry(seq) for seq in range(1, life.version + 1)]
    return exported(state).heading + b"\n" + lines_of(entries)


def written(*lines: Any) -> bytes:
    """A file that somebody else writes."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def said(seq: int, content: str = "x", **members: Any) -> dict[str, Any]:
    """The line of a message."""
    body = {"role": "user", "content": content}
    return {"seq": seq, "kind": "message", "at": NOON, "body": body, **members}


def entries_of(log: ArrivingLog) -> list[Entry]:
    return [
        Entry(one.seq, new.kind, new.key, one.at, new.body, one.chain, new.metadata, new.form)
        for one in log.entries
        for new in [one.new]
    ]


@given(sent=messages())
def test_any_message_comes_back_as_the_same_entry(sent: dict[str, Any]) -> None:
    state = absent()
    say(state, sent)
    log = read_log(file_of(state))
    assert entries_of(log) == [state.present().entry(1)]


def test_an_id_that_is_a_number_is_the_key_again() -> None:
    state = absent()
    say(state, user("a", 5))
    (one,) = read_log(file_of(state)).entries
    assert (one.new.key, one.new.form & NUMBER_ID) == ("5", NUMBER_ID)


def test_a_long_message_is_read_in_pieces_and_is_the_same() -> None:
    state = absent()
    say(state, user([{"type": "text", "text": "x" * 100}] * 2_000, "m", metadata={"a": 1}))
    assert entries_of(read_log(file_of(state))) == [state.present().entry(1)]


def test_a_changed_letter_is_found_and_its_line_named() -> None:
    text = file_of(session_with("one", "two", "three")).replace(
        b'"content":"two"', b'"content":"twO"'
    )
    with pytest.raises(InvalidInput, match=r"^line 3: entry 2 is not what was written"):
        read_log(text)


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_file_that_was_cut_off_between_two_lines_is_found(lines: int) -> None:
    text = file_of(session_with("one", "two", "three"))
    with pytest.raises(InvalidInput, match=f"line {lines}: the file ends here, behind entry"):
        read_log(b"".join(text.splitlines(keepends=True)[:lines]))


def test_a_file_that_was_cut_off_within_a_line_is_found_wherever() -> None:
    text = file_of(session_with("one", "two"))
    for size in range(len(text) - 1):
        with pytest.raises(InvalidInput, match=r"line|empty"):
            read_log(text[:size])


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((), "empty"),
        (({"role": "user"},), "line 1: the first line has to say whose log it is"),
        ((HEADING,), "line 1: the log has no entries"),
        (({**HEADING, "format_version": 2}, said(1)), "of a later release"),
        ((HEADING, said(2)), "line 2: seq: must be 1, and is 2"),
        ((HEADING, said(1), said(1)), "line 3: seq: must be 2, and is 1"),
        ((HEADING, said(1), HEADING), "line 3: another session begins"),
        ((HEADING, said(1, kind="note")), "line 2: kind: 'note' is none of"),
        ((HEADING, said(1, at="noon")), "line 2: at: must be a moment"),
        ((HEADING, said(1, at="2025-12-31T12:00:00")), "line 2: at: must be a moment"),
        ((HEADING, said(1, more=1)), "line 2: .*more"),
        ((HEADING, said(1, chain="0" * 16)), "line 2: entry 1 is not what was written"),
        ((HEADING, said(1, id_is_key=True)), "line 2: id_is_key"),
        (({**HEADING, "floor": 2}, said(1)), "floor"),
        (({**HEADING, "through": "2-" + "0" * 16}, said(1)), "the file ends here, behind entry 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(lines: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read_log(written(*lines))


@pytest.mark.parametrize(
    ("kind", "key", "body"),
    [
        ("message", None, {"content": "no role"}),
        ("record", None, {"value": 1}),
        ("record", "k", {"dropped": "short"}),
        ("settings", None, {"title": 5}),
        ("settings", None, {"other": 5}),
        ("settings", "k", {"title": "t"}),
        ("switch", None, {"to": "a"}),
        ("rewind", None, {"to": -1}),
        ("rewind", None, {"to": True}),
        ("turn", None, {"turn": 1}),
        ("turn", None, {"turn": 1, "holder": "h", "ended": {}}),
        ("turn", "k", {"turn": 1, "holder": "h", "ttl": 5}),
        ("turn", None, {"turn": 1, "cancelled": {"why": "?"}}),
        ("approval", None, {"title": "t"}),
        ("approval", "a", {"title": "t", "expires_in": 1e300}),
        ("decision", "a", {"decision": "maybe"}),
        ("usage", None, {"agent": "a"}),
        ("usage", None, {"agent": "a", "x": "many"}),
        ("usage", None, {"x": 1}),
        ("compaction", None, {"through": 0, "summary": {"role": "user"}}),
        ("compaction", None, {"through": 1, "summary": "text"}),
    ],
)
def test_what_no_entry_of_a_kind_says_is_refused(kind: str, key: str | None, body: Any) -> None:
    line = {"seq": 1, "kind": kind, "at": NOON, "body": body}
    with pytest.raises(InvalidInput, match=r"^line 2: "):
        read_log(written(HEADING, line if key is None else {**line, "key": key}))


def test_a_file_without_chains_is_the_same_log_each_time() -> None:
    one, two = (read_log(written(HEADING, said(1), said(2))) for _ in range(2))
    assert one == two
    other = read_log(written({**HEADING, "session_id": "t"}, said(1), said(2)))
    assert other.root != one.root


def test_times_may_be_written_in_any_zone() -> None:
    log = read_log(written(HEADING, said(1, at="2025-12-31T14:00:00+02:00")))
    assert log.entries[0].at == NOON


def test_a_part_begins_behind_the_entry_that_its_first_line_names() -> None:
    state = session_with("one", "two", "three")
    life = state.present()
    part = {**HEADING, "root": life.log.root.hex(), "after": f"1-{life.chain(1).hex()}"}
    lines = file_of(state).splitlines(keepends=True)
    log = read_log(written(part) + b"".join(lines[2:]))
    assert (log.after, log.last, log.chain(1), log.chain(3)) == (1, 3, life.chain(1), life.chain(3))


def test_lone_surrogates_are_replaced_and_counted() -> None:
    text = written(HEADING, said(1)).replace(b'"x"', b'"\\ud800"')
    log = read_log(text)
    assert (log.replaced, log.entries[0].new.body) == (
        1,
        '{"role":"user","content":"\ufffd"}'.encode(),
    )


def test_the_first_line_is_told_from_the_others() -> None:
    state = session_with("one")
    heading, line = file_of(state).splitlines()
    assert is_heading(heading)
    assert is_heading(b' { "format": "agent-runtime", "session_id": "s"}')
    assert not is_heading(line)


def test_the_first_line_says_what_a_list_shows_of_the_session() -> None:
    state = absent()
    say(state, user("a"), when=at(1))
    heading = msgspec.json.decode(exported(state).heading)
    assert heading == {
        "format": "agent-runtime",
        "format_version": 1,
        "session_id": "s",
        "root": state.present().log.root.hex(),
        "through": state.present().tag,
        "created_at": at(1),
        "last_activity": at(1),
        "message_count": 1,
        "current_agent": "orchestrator",
    }
