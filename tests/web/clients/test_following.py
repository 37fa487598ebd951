"""Events are followed across breaks: each once, from the last place on, until there are no more."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import pytest

from tests.web.clients.fakes import (
    AWAY,
    LINES,
    LOST,
    FakeAnswer,
    FakeTransport,
    Stepped,
    event,
    places,
    reply,
    waited,
)
from web.clients.calls.events import follow_all, follow_session
from web.clients.calls.exports import export_session
from web.clients.core.call import Reply
from web.clients.core.course import AGAIN, Stream
from web.clients.core.parsing import Event
from web.clients.core.patience import LONGEST, PAUSES
from web.clients.core.streaming import Streaming
from web.clients.errors import AccessRefused, AgentRuntimeError, NotFound, ServiceUnreachable

T = TypeVar("T")

GONE = reply({"detail": "no such session"}, 404)
BUSY = reply({"detail": "too many streams"}, 503, **{"retry-after": "5"})


def answer(*pieces: bytes | ServiceUnreachable) -> FakeAnswer:
    return FakeAnswer(list(pieces))


class Begun(Protocol):
    """What begins a stream: waited for, or awaited."""

    def __call__(self, fake: FakeTransport, wanted: Stream[T]) -> Streaming[T] | Stepped[T]: ...


@pytest.fixture(params=[waited, Stepped], ids=["waited", "awaited"])
def begun(request: pytest.FixtureRequest) -> Begun:
    found: Begun = request.param
    return found


def names(events: Sequence[Event]) -> list[str]:
    return [one.name for one in events]


@pytest.mark.parametrize("ending", [[], [LOST]], ids=["at an end", "at a break"])
def test_it_goes_on_behind_the_last_place(begun: Begun, ending: list[ServiceUnreachable]) -> None:
    first = answer(event("message", place="1-0a"), event("message", place="2-0b")[:9], *ending)
    second = answer(event("message", place="2-0b"), event("deleted"))
    fake = FakeTransport([first, second])
    assert [one.cursor for one in begun(fake, follow_session("s"))] == ["1-0a", "2-0b", "2-0b"]
    assert places(fake.calls) == [None, "1-0a"]
    assert first.is_closed
    assert second.is_closed


def test_it_begins_again_where_it_was_told_to_as_long_as_it_has_seen_nothing(begun: Begun) -> None:
    fake = FakeTransport([answer(b"retry: 1000\n\n"), answer(event("deleted"))])
    assert names(list(begun(fake, follow_session("s", after="5-0a")))) == ["deleted"]
    assert [call.query for call in fake.calls] == [(("after", "5-0a"),)] * 2


def test_the_place_with_which_a_stream_of_all_begins_is_one(begun: Begun) -> None:
    first = answer(b"retry: 1000\nid: here-7\n\n", LOST)
    fake = FakeTransport([first, answer(event("session", place="here-8"))])
    assert next(begun(fake, follow_all())).cursor == "here-8"
    assert places(fake.calls) == [None, "here-7"]


def test_a_reset_is_handed_on_and_forgets_the_place(begun: Begun) -> None:
    first = answer(event("message", place="9-0a"), event("reset", place="0"), LOST)
    fake = FakeTransport([first, answer(event("message", place="1-0b"), event("deleted"))])
    assert names(list(begun(fake, follow_session("s")))) == [
        "message",
        "reset",
        "message",
        "deleted",
    ]
    assert places(fake.calls) == [None, "0"]


def test_what_was_deleted_while_nobody_listened_was_deleted(begun: Begun) -> None:
    fake = FakeTransport([answer(event("message", place="1-0a"), LOST), GONE])
    assert names(list(begun(fake, follow_session("s")))) == ["message", "deleted"]


def test_what_was_never_there_is_not_found(begun: Begun) -> None:
    fake = FakeTransport([GONE])
    with pytest.raises(NotFound, match="no such session"):
        next(begun(fake, follow_session("s")))


def test_behind_an_error_there_is_nothing(begun: Begun) -> None:
    stream = begun(FakeTransport([GONE]), follow_session("s"))
    with pytest.raises(NotFound):
        next(stream)
    assert list(stream) == []


def test_who_may_not_come_in_any_more_is_told(begun: Begun) -> None:
    fake = FakeTransport([answer(event("message", place="1-0a")), reply({}, 401)])
    stream = begun(fake, follow_session("s"))
    next(stream)
    with pytest.raises(AccessRefused):
        next(stream)


def test_a_service_that_is_away_at_the_begin_is_tried_as_in_any_call(begun: Begun) -> None:
    fake = FakeTransport([AWAY] * (len(PAUSES) + 1))
    with pytest.raises(ServiceUnreachable):
        next(begun(fake, follow_session("s")))
    assert len(fake.pauses) == len(PAUSES)


def test_a_service_that_goes_away_is_waited_for_as_long_as_was_asked(begun: Begun) -> None:
    fake = FakeTransport([answer(event("message", place="1-0a")), *[AWAY] * 100])
    stream = begun(fake, follow_session("s", patience=20))
    next(stream)
    with pytest.raises(ServiceUnreachable):
        next(stream)
    assert 20 - 1.5 * LONGEST < sum(fake.pauses) <= 20 + 1.5 * AGAIN


def test_it_may_be_waited_for_for_ever(begun: Begun) -> None:
    outcomes: list[Reply | FakeAnswer | ServiceUnreachable]
    outcomes = [answer(event("message", place="1-0a")), *[AWAY] * 1000, answer(event("deleted"))]
    fake = FakeTransport(outcomes)
    assert names(list(begun(fake, follow_session("s", patience=math.inf)))) == [
        "message",
        "deleted",
    ]
    assert max(fake.pauses) <= 1.5 * LONGEST


def test_a_word_of_the_service_renews_the_patience(begun: Begun) -> None:
    fake = FakeTransport([answer(event("message", place="1-0a"))])
    for _ in range(50):
        fake.outcomes += [AWAY, answer(b"retry: 1000\n\n")]
    fake.outcomes.append(answer(event("deleted")))
    assert names(list(begun(fake, follow_session("s", patience=5)))) == ["message", "deleted"]


def test_a_service_with_too_many_streams_says_when_to_come_again(begun: Begun) -> None:
    fake = FakeTransport([answer(event("message", place="1-0a")), BUSY, answer(event("deleted"))])
    assert names(list(begun(fake, follow_session("s")))) == ["message", "deleted"]
    assert fake.pauses[1] == 5


def test_a_runtime_in_this_process_is_not_waited_for(begun: Begun) -> None:
    ended = ServiceUnreachable("it has ended", was_sent=True, is_final=True)
    fake = FakeTransport([answer(event("message", place="1-0a"), ended)])
    stream = begun(fake, follow_session("s"))
    next(stream)
    with pytest.raises(ServiceUnreachable, match="it has ended"):
        next(stream)
    assert fake.pauses == []


def test_signs_of_life_are_handed_on_to_who_asks_for_them(begun: Begun) -> None:
    pieces = (event("alive"), event("message", place="1-0a"), event("deleted"))
    assert names(list(begun(FakeTransport([answer(*pieces)]), follow_session("s")))) == [
        "message",
        "deleted",
    ]
    shown = begun(FakeTransport([answer(*pieces)]), follow_session("s", alive=True))
    assert names(list(shown)) == ["alive", "message", "deleted"]


def test_closed_early_it_gives_its_connection_back_and_no_more_events(begun: Begun) -> None:
    open_answer = answer(event("message", place="1-0a") + event("message", place="2-0b"))
    with begun(FakeTransport([open_answer]), follow_session("s")) as stream:
        next(stream)
    assert open_answer.is_closed
    assert list(stream) == []


def test_lines_that_break_off_in_the_middle_are_an_error(begun: Begun) -> None:
    fake = FakeTransport([FakeAnswer([b'{"format":1}\n{"se', LOST], headers=LINES)])
    stream = begun(fake, export_session("s"))
    assert next(stream) == b'{"format":1}\n'
    with pytest.raises(ServiceUnreachable):
        next(stream)


def test_lines_are_asked_for_again_as_long_as_none_has_come(begun: Begun) -> None:
    fake = FakeTransport([LOST, reply({"a": 1}, 200, **LINES)])
    assert list(begun(fake, export_session("s"))) == [b'{"a": 1}']


def test_without_a_block_nothing_is_sent_before_the_first_event_is_asked_for(begun: Begun) -> None:
    fake = FakeTransport([])
    begun(fake, follow_session("s")).close()
    assert fake.calls == []


@pytest.mark.parametrize("make", [follow_session, export_session])
def test_a_page_of_something_else_is_no_stream(
    begun: Begun, make: Callable[[str], Stream[object]]
) -> None:
    page = FakeAnswer([b"<html>"], headers={"content-type": "text/html; charset=utf-8"})
    stream = begun(FakeTransport([page]), make("s"))
    with pytest.raises(AgentRuntimeError, match="is the address right"):
        next(stream)
    assert page.is_closed


def test_an_event_that_is_none_ends_the_stream(begun: Begun) -> None:
    nonsense = answer(b"data: nonsense\n\n")
    with pytest.raises(AgentRuntimeError, match="is the address right"):
        next(begun(FakeTransport([nonsense]), follow_session("s")))
    assert nonsense.is_closed
