"""Nobody waits for what is written, and what was not written is told."""

import os
import threading
from io import StringIO

from web.cli.sinks import ROOM, Screen, Sink

EVER = 100.0


class Slow:
    """Takes its first line when it is told to, and notes all."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_busy = threading.Event()
        self.may_go_on = threading.Event()

    def take(self, line: str) -> None:
        self.is_busy.set()
        self.may_go_on.wait(EVER)
        self.taken.append(line)


def test_lines_that_find_no_room_are_dropped_and_their_number_is_told_in_their_place() -> None:
    slow = Slow()
    sink = Sink(slow.take, "{} missing".format)
    sink.put("first")
    slow.is_busy.wait(EVER)
    for number in range(ROOM + 3):
        sink.put(f"{number}")
    slow.may_go_on.set()
    sink.settle(EVER)
    sink.put("last")
    assert sink.close(EVER)
    assert slow.taken == ["first", *map(str, range(ROOM)), "3 missing", "last"]


def test_the_end_leaves_behind_who_does_not_take_his_line() -> None:
    slow = Slow()
    sink = Sink(slow.take, "{} missing".format)
    sink.put("first")
    assert not sink.close(0.01)
    slow.may_go_on.set()


def test_a_screen_shows_what_its_encoding_lacks_by_its_number() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="latin-1") as stream:
        screen = Screen(stream)
        print("ä ♥", file=screen)
        screen.end()
    with os.fdopen(reader, encoding="latin-1") as shown:
        assert shown.read() == "ä \\u2665\n"


def test_a_pipe_that_does_not_block_gets_all_in_its_time() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = "x" * 1_000_000
    with os.fdopen(writer, "w") as stream:
        screen = Screen(stream)
        screen.write(text)
        with os.fdopen(reader) as shown:
            assert shown.read(len(text)) == text
        screen.end()


def test_a_screen_without_a_file_is_written_to_as_it_is() -> None:
    stream = StringIO()
    screen = Screen(stream)
    screen.write("a line\n")
    screen.end()
    assert stream.getvalue() == "a line\n"


def test_where_there_is_no_terminal_lines_go_nowhere() -> None:
    screen = Screen(None)
    screen.write("a line\n")
    screen.end()
