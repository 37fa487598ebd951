"""The checker accepts what a session may do, and rejects what the guarantees exclude."""

from collections.abc import Sequence
from math import inf
from random import Random

import pytest
from attrs import evolve

from tests.faults.histories.calls import (
    ABSENT,
    CONFLICT,
    OK,
    STALE,
    Append,
    Call,
    Create,
    Delete,
    Glimpse,
    Put,
    Read,
    Rename,
    Resend,
    Rewind,
    Switch,
    Undelete,
)
from tests.faults.histories.checker import check
from tests.faults.histories.model import Life, State
from tests.faults.histories.recorded import Answer, Recorded


def say(content: str, key: str | None = None, if_match: str | None = None) -> Append:
    return Append(messages=((key, content),), if_match=if_match)


def ok(**facts: object) -> Answer:
    return Answer(status=OK, facts=facts)


def one_by_one(*calls: tuple[Call, Answer | None]) -> list[Recorded]:
    """A history without concurrency; a call without an answer may have an effect for ever."""
    return [
        Recorded(
            call=call,
            invoked=2.0 * number,
            returned=inf if answer is None else 2.0 * number + 1,
            answer=answer,
        )
        for number, (call, answer) in enumerate(calls)
    ]


def during(history: list[Recorded], place: int, other: int) -> list[Recorded]:
    """The same, but the call at `place` goes on until the one at `other` is answered."""
    changed = list(history)
    changed[place] = evolve(history[place], returned=history[other].returned)
    return changed


def accepts(history: Sequence[Recorded]) -> bool:
    verdict = check(history)
    assert not verdict.gave_up
    return verdict.is_linearizable


MESSAGE_1 = (1, None, "one")

# -- what must be rejected -----------------------------------------------------------------------


def test_a_lost_write_is_rejected() -> None:
    history = one_by_one(
        (say("one"), ok(seqs=(1,))),
        (say("two"), ok(seqs=(2,))),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
    )
    assert not accepts(history)


def test_a_stale_read_is_rejected() -> None:
    history = one_by_one(
        (say("one"), ok(seqs=(1,))),
        (say("two"), ok(seqs=(2,))),
        (Read(what="messages"), ok(messages=(MESSAGE_1, (2, None, "two")))),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
    )
    assert not accepts(history)


def test_what_an_unknown_write_showed_cannot_be_gone_again() -> None:
    history = one_by_one(
        (say("one"), None),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
        (Read(), Answer(status=ABSENT)),
    )
    assert not accepts(history)


def test_a_404_after_a_deletion_that_a_kill_undid_is_rejected() -> None:
    history = one_by_one(
        (say("one"), ok(seqs=(1,))),
        (Delete(), None),
        (Delete(), Answer(status=ABSENT)),
        (Read(), ok(count=1)),
    )
    assert not accepts(history)


def test_a_409_that_confirms_what_a_crash_then_takes_away_is_rejected() -> None:
    history = one_by_one(
        (Create(title="t"), None),
        (Create(title="u"), Answer(status=CONFLICT)),
        (Read(), Answer(status=ABSENT)),
    )
    assert not accepts(history)


def test_a_number_that_is_one_message_and_then_another_is_rejected() -> None:
    history = one_by_one(
        (say("one"), None),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
        (say("other"), ok(seqs=(1,))),
    )
    assert not accepts(history)


def test_a_call_without_an_answer_has_no_effect_after_its_process_has_died() -> None:
    late = one_by_one(
        (say("one"), None),
        (Read(), Answer(status=ABSENT)),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
    )
    assert accepts(late)
    died = [late[0].ending(late[2].invoked - 0.5), *late[1:]]
    assert accepts(died)
    died = [late[0].ending(late[1].invoked - 0.5), *late[1:]]
    assert not accepts(died)


def test_a_message_that_is_there_twice_is_rejected() -> None:
    twice = (MESSAGE_1, (2, None, "one"))
    history = one_by_one((say("one"), ok(seqs=(1,))), (Read(what="messages"), ok(messages=twice)))
    assert not accepts(history)


def test_two_writers_with_one_tag_cannot_both_succeed() -> None:
    history = one_by_one(
        (say("one"), Answer(status=OK, tag="1-aa")),
        (say("two", if_match="1-aa"), ok(seqs=(2,))),
        (say("three", if_match="1-aa"), ok(seqs=(3,))),
    )
    assert not accepts(during(history, 1, 2))


def test_a_refusal_of_a_tag_that_is_the_present_one_is_rejected() -> None:
    history = one_by_one(
        (say("one"), Answer(status=OK, tag="1-aa")),
        (Rename(title="t", if_match="1-aa"), Answer(status=STALE)),
    )
    assert not accepts(history)


def test_a_refusal_that_names_another_state_than_the_present_one_is_rejected() -> None:
    history = one_by_one(
        (say("one"), Answer(status=OK, tag="1-aa")),
        (say("two"), Answer(status=OK, tag="2-bb")),
        (Rename(title="t", if_match="1-aa"), Answer(status=STALE, tag="1-aa")),
    )
    assert not accepts(history)


def test_a_state_that_has_two_tags_is_rejected() -> None:
    history = one_by_one(
        (say("one"), Answer(status=OK, tag="1-aa")), (Read(), Answer(status=OK, tag="1-bb"))
    )
    assert not accepts(history)


def test_a_tag_that_names_two_lives_is_rejected() -> None:
    history = one_by_one(
        (say("one"), Answer(status=OK, tag="1-aa")),
        (Delete(), ok()),
        (say("one"), Answer(status=OK, tag="1-aa")),
    )
    assert not accepts(history)


def test_an_older_life_that_comes_back_from_the_trash_is_rejected() -> None:
    history = one_by_one(
        (say("one"), ok()),
        (Delete(), ok()),
        (say("two"), ok()),
        (Delete(), ok()),
        (Undelete(), ok()),
        (Read(what="history"), ok(contents=("one",))),
    )
    assert not accepts(history)


def test_a_glimpse_of_what_is_said_to_be_on_disk_binds() -> None:
    shown = Glimpse(durable=1, shown=((1, None, "one"),))
    history = one_by_one(
        (say("one"), None), (shown, ok(stands=True)), (Read(), Answer(status=ABSENT))
    )
    assert not accepts(history)


# -- what must be accepted -----------------------------------------------------------------------


def test_an_empty_history_is_accepted() -> None:
    assert accepts([])


def test_a_read_beside_a_write_may_show_it_or_not() -> None:
    history = one_by_one(
        (say("one"), ok(seqs=(1,))),
        (Read(), Answer(status=ABSENT)),
        (Read(what="history"), ok(contents=("one",))),
    )
    assert not accepts(history)
    assert accepts(during(history, 0, 2))


def test_an_unknown_write_may_have_its_effect_late_or_never() -> None:
    calls: list[tuple[Call, Answer | None]] = [
        (say("one"), ok(seqs=(1,))),
        (say("two"), None),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
        (say("three"), ok(seqs=(2,))),
    ]
    assert accepts(one_by_one(*calls, (Read(), ok(version=2))))
    assert accepts(one_by_one(*calls, (Read(), ok(version=3))))
    assert not accepts(one_by_one(*calls, (Read(), ok(version=4))))


def test_a_message_that_is_sent_again_gets_its_first_number() -> None:
    history = one_by_one(
        (say("one", key="a"), None),
        (say("two"), ok(seqs=(2,))),
        (say("one", key="a"), ok(seqs=(1,), fresh=False)),
        (say("changed", key="a"), Answer(status=CONFLICT)),
    )
    assert accepts(history)


def test_the_id_of_what_a_rewind_took_away_is_free() -> None:
    history = one_by_one(
        (say("one", key="a"), ok(seqs=(1,))),
        (Rewind(to=0), ok(version=2, count=0)),
        (say("other", key="a"), ok(seqs=(3,), fresh=True)),
        (Rewind(to=1), ok(version=4, count=1)),
        (Read(what="messages"), ok(messages=((1, "a", "one"),))),
        (Rewind(to=3), ok(version=5)),
        (Read(what="messages"), ok(messages=((3, "a", "other"),))),
    )
    assert accepts(history)


def test_a_tag_comes_back_with_its_life() -> None:
    history = one_by_one(
        (say("one"), Answer(status=OK, tag="1-aa")),
        (Delete(if_match="1-aa"), ok()),
        (say("two"), Answer(status=OK, tag="1-bb")),
        (say("three", if_match="1-aa"), Answer(status=STALE)),
        (Delete(purge=True), ok()),
        (Undelete(), ok()),
        (Undelete(), Answer(status=ABSENT)),
        (say("three", if_match="1-aa"), ok(seqs=(2,))),
    )
    assert accepts(history)


def test_settings_stay_and_switches_and_records_go_with_a_rewind() -> None:
    history = one_by_one(
        (Create(title="t"), ok(version=1)),
        (Switch(agent="coder"), ok(agent="coder")),
        (Put(key="k", value="v", expect=0), ok(seqs=(3,))),
        (Rename(title="u"), ok(version=4)),
        (Rewind(to=1), ok(version=5)),
        (Read(), ok(title="u", agent="orchestrator")),
        (Read(what="records"), ok(records=())),
        (Put(key="k", value="w", expect=3), Answer(status=STALE)),
        (Resend(to=3, content="again"), ok(seqs=(6, 7))),
        (Read(what="records"), ok(records=((3, "k", "v"),))),
    )
    assert accepts(history)


def test_what_a_glimpse_shows_beyond_the_disk_may_be_taken() -> None:
    shown = Glimpse(durable=1, shown=((1, None, "one"),))
    history = one_by_one(
        (say("one"), ok(seqs=(1,))),
        (say("two"), None),
        (shown, ok(stands=True)),
        (Read(what="messages"), ok(messages=(MESSAGE_1,))),
    )
    assert accepts(history)


# -- the search ----------------------------------------------------------------------------------


def test_many_unknown_writes_that_all_took_effect_are_found_at_once() -> None:
    """In any order: the numbers that a read shows lead the way."""
    order = [f"m{number}" for number in range(60)]
    Random(4).shuffle(order)  # noqa: S311 -- any order will do
    unknown = [(say(f"m{number}"), None) for number in range(60)]
    shown = tuple((seq, None, content) for seq, content in enumerate(order, 1))
    verdict = check(one_by_one(*unknown, (Read(what="messages"), ok(messages=shown))))
    assert verdict.is_linearizable
    assert verdict.steps < 200


def test_a_search_that_takes_too_long_gives_up_and_says_so() -> None:
    unknown = [(say(f"m{number}"), None) for number in range(20)]
    verdict = check(one_by_one(*unknown, (Read(), ok(title="never"))), budget=500)
    assert verdict.gave_up
    assert not verdict.is_linearizable


@pytest.mark.parametrize("seed", range(40))
def test_histories_that_the_model_itself_makes_are_accepted(seed: int) -> None:
    assert check(_made(Random(seed))).is_linearizable  # noqa: S311 -- reproducible


def _made(random: Random) -> list[Recorded]:
    """Calls one by one, each answered from some moment of a longer interval, some not at all."""
    state = State(Life())
    history: list[Recorded] = []
    for number in range(60):
        call = _some_call(random, number)
        at = float(number)
        invoked, returned = at - random.random() * 3, at + random.random() * 3
        if random.random() < 0.15 and not isinstance(call, Read):
            lost = random.random() < 0.5
            history.append(Recorded(call=call, invoked=invoked, returned=at + 20))
            state = state if lost else call.run(state).state
            continue
        outcome = call.run(state)
        state = outcome.state
        answer = Answer(status=outcome.status, facts=outcome.facts)
        history.append(Recorded(call=call, invoked=invoked, returned=returned, answer=answer))
    return history


def _some_call(random: Random, number: int) -> Call:
    text = f"text {number}"
    calls: list[Call] = [
        Create(title=text),
        say(text, key=f"k{number % 7}"),
        say(text),
        say(text),
        Resend(to=random.randrange(4), content=text),
        Delete(purge=random.random() < 0.2),
        Undelete(),
        Switch(agent=text),
        Rename(title=text),
        Rewind(to=random.randrange(4)),
        Put(key="r", value=text),
        Read(what="log"),
        Read(what="messages"),
        Read(what="history"),
    ]
    return random.choice(calls)
