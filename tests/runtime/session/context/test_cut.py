"""What is told where not all of it fits."""

import pytest

from runtime.errors import DoesNotFit
from runtime.session.context.composing import Composer, Fixed, Limits
from tests.runtime.session.context.logs import (
    Json,
    assistant,
    chat,
    composed,
    result,
    said,
    size_of,
    system,
    text,
    tool,
    use,
    user,
)

FIRST = [user("one"), assistant("1")]
SECOND = [user("two"), chat("a"), tool("a"), assistant("2")]
THIRD = [user("three"), assistant("3")]


def told(log: list[Json], size: int) -> list[Json]:
    return composed(log, max_bytes=size)[0]


def test_the_newest_exchanges_are_told_whole() -> None:
    log = [*FIRST, *SECOND, *THIRD]
    newest = size_of(THIRD)
    assert told(log, size_of(log)) == log
    assert told(log, size_of(log) - 1) == [*SECOND, *THIRD]
    assert told(log, newest + size_of(SECOND) - 2) == THIRD
    assert told(log, newest) == THIRD


@pytest.mark.parametrize(("count", "expected"), [(8, 8), (7, 6), (6, 6), (5, 2), (2, 2)])
def test_messages_may_be_limited_too(count: int, expected: int) -> None:
    log = [*FIRST, *SECOND, *THIRD]
    assert composed(log, max_messages=count)[0] == log[-expected:]


def test_the_systems_messages_at_the_beginning_are_told_in_any_case() -> None:
    front = [system("You are …"), {"role": "developer", "content": "more"}]
    assert told([*front, *FIRST, *THIRD], size_of([*front, *THIRD])) == [*front, *THIRD]


def test_instructions_before_what_a_user_says_belong_to_it() -> None:
    log = [*FIRST, system("the time is 12:00"), *THIRD]
    assert told(log, size_of(log) - 1) == log[2:]
    assert told(log, size_of(log[2:]) - 1) == THIRD


def test_messages_of_a_user_in_a_row_are_one_exchange() -> None:
    log = [*FIRST, user("the file"), user("what is it?"), assistant("a file")]
    assert told(log, size_of(log) - 1) == log[2:]


def test_what_is_filled_in_counts() -> None:
    log = [*FIRST, user("two"), chat("a"), *THIRD]
    whole, _ = composed(log)
    assert len(whole) == len(log) + 1
    assert told(log, size_of(whole) - 1) == whole[2:]
    assert told(log, size_of(whole[2:]) - 1) == THIRD


def test_an_interrupted_call_is_named_only_where_it_is_told() -> None:
    log = [user("one"), chat("a"), *THIRD]
    assert composed(log)[1] == ["a"]
    assert composed(log, max_messages=2) == (THIRD, [])


def test_a_result_is_told_only_with_its_call() -> None:
    log = [user("one"), chat("a"), user("two"), tool("a"), assistant()]
    assert composed(log, max_messages=4)[0] == [user("two"), assistant()]
    assert composed(log, max_messages=5)[0] == [*log[:2], tool("a"), user("two"), assistant()]


# -- where not even the newest exchange fits ---------------------------------------------------


def steps(count: int) -> list[Json]:
    return [message for n in range(count) for message in (chat(f"c{n}"), tool(f"c{n}"))]


def test_of_a_long_exchange_what_the_user_said_and_the_newest_steps_are_told() -> None:
    log = [*FIRST, user("work!"), *steps(10), assistant("done")]
    newest = [user("work!"), *steps(10)[-4:], assistant("done")]
    for size in (size_of(newest), size_of(newest) + 50):
        assert told(log, size) == newest
    assert composed(log, max_messages=7)[0] == newest


def test_calls_are_not_parted_from_their_results() -> None:
    log = [user("work!"), chat("a", "b", "c"), tool("a"), tool("b"), tool("c"), assistant("done")]
    assert composed(log, max_messages=5)[0] == [user("work!"), assistant("done")]


def test_of_several_messages_of_the_user_the_newest_are_told() -> None:
    said = [user("x" * 50), user("y" * 50), system("z"), user("work!")]
    log = [*said, *steps(3)]
    assert told(log, size_of(log) - 1) == log[1:]
    assert told(log, size_of(log[2:])) == log[2:]
    assert told(log, size_of(log[2:]) - 1) == log[3:]
    assert told(log, size_of(log[3:]) - 1) == [user("work!"), *steps(3)[-4:]]
    assert told(said, size_of(said) - 1) == said[1:]
    assert told(said, size_of(said[2:])) == said[2:]


def test_if_not_even_that_fits_it_is_said_what_is_needed() -> None:
    log = [system("p"), *FIRST, user("work!"), *steps(3)]
    least = [system("p"), user("work!"), *steps(3)[-2:]]
    assert told(log, size_of(least)) == least
    with pytest.raises(DoesNotFit, match="max_bytes") as refused:
        told(log, size_of(least) - 1)
    assert (refused.value.size, refused.value.count) == (size_of(least), 4)
    with pytest.raises(DoesNotFit) as refused:
        composed(log, max_messages=3)
    assert refused.value.count == 4


def test_the_systems_messages_have_to_fit() -> None:
    log = [system("x" * 100), user("hi")]
    with pytest.raises(DoesNotFit):
        told(log, 100)


# -- how far it looks ---------------------------------------------------------------------------


def looked_at(log: list[Json], size: int) -> int:
    """How many messages are taken for a context of this size."""
    left = iter(log[::-1])
    composer = Composer(Fixed(), Limits(max_bytes=size))
    assert not composer.take(map(said, left))
    return len(log) - len(list(left))


def test_no_more_is_looked_at_than_is_told_and_a_little() -> None:
    log = [*FIRST, *SECOND, *THIRD] * 1_000
    newest = log[-100:]
    assert 100 <= looked_at(log, size_of(newest)) <= 110


def test_of_a_long_exchange_all_is_looked_at_back_to_what_the_user_said() -> None:
    log = [*FIRST, *THIRD, user("work!"), *steps(500)]
    assert looked_at(log, 1_000) == 1_001


def test_of_a_long_exchange_before_others_no_more_is_looked_at_than_would_fit() -> None:
    log = [user("work!"), *steps(500), *FIRST]
    assert looked_at(log, 1_000) < 25


def test_of_messages_of_users_alone_no_more_is_looked_at_than_fits() -> None:
    log = [user("x" * 70)] * 10_000
    assert looked_at(log, 1_000) == 11


# -- how it begins -----------------------------------------------------------------------------


def test_what_comes_before_the_first_users_message_is_not_told() -> None:
    log = [system("p"), assistant("Hello! How can I help?"), *FIRST]
    assert composed(log)[0] == [system("p"), *FIRST]


def test_of_a_log_without_a_user_nothing_but_the_systems_is_told() -> None:
    assert composed([system("p"), assistant("a"), *steps(2)])[0] == [system("p")]
    assert composed([])[0] == []


def test_what_a_user_said_beside_a_result_may_be_the_beginning() -> None:
    log = [assistant([use("a")]), user([result("a"), text("go on")]), assistant("so")]
    assert composed(log)[0] == [user([text("go on")]), assistant("so")]


# -- behind a summary --------------------------------------------------------------------------


def test_a_users_summary_begins_the_context_whatever_follows() -> None:
    summary = user("They had two files.")
    log = [*steps(2), *FIRST]
    assert composed(log, summary=summary)[0] == [summary, *log]
    assert composed([], summary=summary)[0] == [summary]
    assert composed(log, summary=summary, max_messages=5)[0] == [summary, *FIRST]
    assert composed(steps(3), summary=summary, max_messages=5)[0] == [summary, *steps(3)[-4:]]


def test_behind_a_systems_summary_a_user_begins() -> None:
    summary, said = system("They had two files."), user("work!")
    for log in (FIRST, [*FIRST, *THIRD]):
        assert composed(log, summary=summary, before=said)[0] == [summary, *log]
    for log in (steps(2), [*steps(2), *FIRST], []):
        assert composed(log, summary=summary, before=said)[0] == [summary, said, *log]
    assert composed([*steps(2), *FIRST], summary=summary)[0] == [summary, *FIRST]


def test_an_assistants_summary_follows_on_what_a_user_said() -> None:
    summary, said = assistant("We had two files."), user("work!")
    assert composed(FIRST, summary=summary, before=said)[0] == [said, summary, *FIRST]
    assert composed(FIRST, summary=summary)[0] == FIRST


def test_a_summary_takes_room() -> None:
    summary = user("They had two files.")
    log = [*FIRST, *THIRD]
    assert composed(log, summary=summary, max_messages=4)[0] == [summary, *THIRD]
    with pytest.raises(DoesNotFit) as refused:
        composed(log, summary=summary, max_messages=2)
    assert refused.value.count == 3
