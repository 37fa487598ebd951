"""The judge finds what it should, and nothing where nothing is wrong."""

from collections.abc import Sequence

from attrs import evolve

from tests.faults.cluster.clients.book import Book, Write
from tests.faults.cluster.clients.families import Fork
from tests.faults.cluster.clients.judge import Entry, Logs, differences, falsified, judge
from tests.faults.cluster.clients.ways import Answer, Way
from tests.faults.cluster.timeline import Timeline


def message(seq: int, key: str) -> Entry:
    return Entry(seq, "message", key, f"{seq}: {key}")


WRITES = [
    Write("s", "a", 1.0, 2.0, seq=1),
    Write("s", "b", 1.0, 2.0, seq=2),
    Write("s", "unknown", 1.0),
    Write("f", "c", 1.0, 2.0, seq=3),
]
FORKS = [Fork("f", "s", 1)]
LOGS: Logs = {
    "s": [message(1, "a"), message(2, "b"), message(3, "unknown")],
    "f": [message(1, "a"), Entry(2, "settings", None, "2: forked"), message(3, "c")],
}


def wrong(logs: Logs, writes: Sequence[Write] = WRITES, forks: Sequence[Fork] = FORKS) -> list[str]:
    return [fault.what for fault in judge(writes, forks, logs)]


def test_what_is_as_it_was_acknowledged_is_in_order() -> None:
    assert wrong(LOGS) == []


def test_what_nobody_acknowledged_may_be_missing() -> None:
    assert wrong({**LOGS, "s": LOGS["s"][:2]}) == []


def test_any_falsified_one_is_found_out() -> None:
    lies = dict(falsified(WRITES[:2], LOGS))
    assert len(lies) == 5
    assert [what for what, lie in lies.items() if not wrong(lie)] == []


def test_a_message_under_another_number_is_found_out() -> None:
    swapped = [message(1, "b"), message(2, "a"), LOGS["s"][2]]
    assert len(wrong({**LOGS, "s": swapped})) == 3  # both, and the fork is another


def test_a_fork_that_begins_otherwise_is_found_out() -> None:
    other = [evolve(LOGS["f"][0], text="1: changed"), *LOGS["f"][1:]]
    assert wrong({**LOGS, "f": other}) == ["f does not begin as s does, up to 1"]
    assert wrong({"s": LOGS["s"]}, WRITES[:3]) == ["f, a fork of s, is lost"]


def test_a_message_in_the_session_of_another_is_found_out() -> None:
    assert wrong({**LOGS, "s": [*LOGS["s"], message(4, "c")]}) == ["s: nobody sent c, which is 4"]


def test_two_sides_that_differ_are_found_out() -> None:
    assert list(differences(LOGS, LOGS, "node 2")) == []
    less = {**LOGS, "s": LOGS["s"][:2]}
    assert [fault.what for fault in differences(LOGS, less, "node 2")] == [
        "s: node 2 has 2 of 3, as 3 nothing"
    ]


WAY = Way("node 1", "http://127.0.0.1:1")
BY = Answer(WAY, 1.0, 2.0, 200, {}, durable=2)


def test_a_read_that_shows_less_than_anybody_was_told_of_is_stale() -> None:
    book = Book(Timeline())
    book.sends("s", ["a", "b"], 1.0)
    book.acknowledged(["a", "b"], [1, 2], BY)
    book.shown("s", book.floor("s"), 2, {2: "b"}, BY)
    assert book.timeline.wrong == []
    book.shown("s", book.floor("s"), 1, {}, BY)
    [fault] = book.timeline.wrong
    assert "stale" in fault


def test_what_is_not_said_to_be_on_disk_nobody_has_to_know_later() -> None:
    book = Book(Timeline())
    book.shown("s", 0, 2, {1: "a", 2: "b"}, evolve(BY, durable=1))
    assert book.floor("s") == 1
    book.shown("s", book.floor("s"), 1, {1: "a"}, BY)
    book.shown("s", book.floor("s"), 2, {2: "other"}, BY)
    assert book.timeline.wrong == []


def test_a_number_that_is_one_message_and_then_another_is_found_out() -> None:
    book = Book(Timeline())
    book.shown("s", 0, 2, {2: "b"}, BY)
    book.shown("s", 0, 2, {2: "c"}, BY)
    assert len(book.timeline.wrong) == 1


def test_a_message_that_is_acknowledged_under_two_numbers_is_found_out() -> None:
    book = Book(Timeline())
    book.sends("s", ["a"], 1.0)
    book.acknowledged(["a"], [1], BY)
    book.acknowledged(["a"], [1], BY)
    assert book.timeline.wrong == []
    book.acknowledged(["a"], [2], BY)
    assert len(book.timeline.wrong) == 1
