"""Each judge of a trial finds what it should, and nothing where nothing is wrong."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tests.faults.streaming import approvals, drafts, followed, turns
from tests.faults.streaming.answers import script, whole
from tests.faults.streaming.approvals import Refused, Told
from tests.faults.streaming.drafts import Draft, Return
from tests.faults.streaming.falsified import falsified
from tests.faults.streaming.followed import Deleted, Deletion, Durable, Noted, Reset, Shown
from tests.faults.streaming.lives import Life, text_of
from tests.faults.streaming.place import Place
from tests.faults.streaming.trial import Book
from tests.faults.streaming.turns import Grant
from tests.faults.streaming.watchers import Sights, Watcher
from tests.sse import Event

TIMES = {"old": (1, 2, 8), "other": (5,), "new": (11, 12, 13)}
"""The second at which each of their entries came: the first life came back behind another one."""
DELETIONS = [Deletion(4, 5), Deletion(6, 7), Deletion(9, 10)]


def shown(life: str, chain: str) -> list[Shown]:
    return [
        Shown(f"{seq}-{chain}", text_of({"at": f"1970-01-01T00:00:{at:02}.000Z", "body": life}))
        for seq, at in enumerate(TIMES[life], 1)
    ]


OLD, OTHER, NEW = shown("old", "aa"), shown("other", "cc"), shown("new", "bb")
LIVES = [
    Life(tuple(one.text for one in OLD)),
    Life(tuple(one.text for one in OTHER)),
    Life(tuple(one.text for one in NEW), is_living=True),
]
NAMES = [one.name for one in NEW]

HONEST: dict[str, list[Noted]] = {
    "all at once": [*NEW],
    "from another life": [*OLD[:2], Deleted(), Reset(11), *NEW],
    "a life that came back": [*NEW[:1], Deleted(), *NEW[1:]],
    "two resets in a row": [*OLD, Reset(11), Reset(12), *NEW],
    "one that came back behind another, of which nothing came": [
        *OLD[:2],
        Reset(8),
        *OLD,
        Reset(11),
        *NEW,
    ],
}


def faults(record: list[Noted], *, lossy: bool = False) -> list[str]:
    return followed.judge(record, LIVES, NAMES, DELETIONS, lossy=lossy)


@pytest.mark.parametrize("record", HONEST.values(), ids=HONEST)
def test_a_follower_with_the_log_is_in_order_and_any_falsified_one_is_not(
    record: list[Noted],
) -> None:
    assert faults(record) == []
    lies = dict(falsified(record))
    assert len(lies) == 6
    assert [what for what, lie in lies.items() if not faults(lie)] == []


def test_a_life_that_was_there_all_the_time_needs_no_reset() -> None:
    record: list[Noted] = [*OLD[:1], Reset(3), *OLD, Reset(11), *NEW]
    assert faults(record) == ["a reset without a reason: 1-aa is in what came then"]


def test_a_life_may_have_been_away_until_a_deletion_is_known_to_be_over() -> None:
    record: list[Noted] = [*NEW, Reset(15), *NEW]
    assert followed.judge(record, LIVES, NAMES, [Deletion(3)]) == []
    assert followed.judge(record, LIVES, NAMES, [Deletion(3, 12)])
    assert followed.judge(record, LIVES, NAMES, [Deletion(16)])


def test_what_a_crash_took_is_a_fault_in_commit_durability() -> None:
    lost: Noted = Shown("3-cc", OTHER[0].text)
    record: list[Noted] = [*OLD[:2], lost, Reset(11), *NEW]
    assert faults(record)
    assert faults(record, lossy=True) == []


def test_what_was_said_to_be_durable_may_not_go_in_either() -> None:
    lost: Noted = Shown("3-cc", OTHER[0].text)
    record: list[Noted] = [*OLD[:2], Durable(2), lost, Reset(11), *NEW]
    assert faults(record, lossy=True) == []
    record = [*OLD[:2], lost, Durable(3), Reset(11), *NEW]
    assert faults(record, lossy=True)


ANSWER = "an answer"


def returned(length: int, *, interrupted: bool = True, **others: Any) -> Return:
    parts: dict[str, str] = {}
    for _, part, text in script(ANSWER)[:length]:
        parts[part] = parts.get(part, "") + text
    draft = Draft(parts, sum(map(len, parts.values())), interrupted)
    seen = {part: len(text) for part, text in parts.items()}
    nothing: frozenset[str] = frozenset()
    found: dict[str, Any] = {"taken": {}, "given_up": nothing, "messages": nothing}
    return Return(**{**found, "seen": {ANSWER: seen}, "drafts": {ANSWER: draft}, **others})


def test_a_draft_that_was_seen_is_there_and_any_falsified_one_is_found_out() -> None:
    found = returned(20)
    assert list(drafts.judge(found)) == []
    lies = dict(drafts.falsified(found))
    assert len(lies) == 4
    assert [what for what, lie in lies.items() if not list(drafts.judge(lie))] == []


def test_a_draft_may_be_gone_if_it_was_given_up_or_has_become_a_message() -> None:
    gone = frozenset({ANSWER})
    assert list(drafts.judge(returned(20, drafts={}, given_up=gone))) == []
    assert list(drafts.judge(returned(20, drafts={}, messages=gone))) == []
    assert list(drafts.judge(returned(20, messages=gone)))


def test_after_an_end_in_order_all_that_was_taken_is_there() -> None:
    offset = sum(len(text) for _, _, text in script(ANSWER)[:20])
    assert list(drafts.judge(returned(20, taken={ANSWER: offset}))) == []
    assert list(drafts.judge(returned(20, taken={ANSWER: offset + 1})))


def watched(events: Sequence[dict[str, Any]]) -> list[str]:
    place, book = Place(), Book()
    watcher = Watcher(place, book, Sights(place), "s", Random(0))  # noqa: S311 -- it is not asked
    for event in events:
        watcher.see(Event("draft", {"message_id": ANSWER, **event}))
    return book.wrong


def pieces() -> list[dict[str, Any]]:
    return [{"part": part, "text": text, "offset": at} for at, part, text in script(ANSWER)[:9]]


def test_a_watcher_finds_a_seam() -> None:
    assert watched(pieces()) == []
    assert watched([*pieces(), {"dropped": True}, *pieces()]) == []
    assert watched([*pieces(), *pieces()]) == []  # a piece at 0 begins it anew
    assert watched([*pieces()[:4], *pieces()[5:]])
    assert watched([*pieces()[:5], *pieces()[4:]])


def turn(number: int, **body: Any) -> dict[str, Any]:
    return {"seq": 0, "kind": "turn", "body": {"turn": number, **body}}


def written(number: int, key: str) -> dict[str, Any]:
    return {"seq": 0, "kind": "message", "key": key, "body": {"role": "user", "turn": number}}


TURNS = [
    turn(5, holder="a", ttl=1),
    written(5, "one"),
    turn(5, ended={}),
    turn(8, holder="b", ttl=1),
    written(8, "two"),
    turn(8, cancelled={}),
    written(8, "three"),
    turn(9, holder="a", ttl=1),
]
GRANTS = [Grant(5, "a", 1, 2), Grant(8, "b", 1.5, 4), Grant(9, "a", 4, 6)]


def test_a_log_of_turns_is_in_order_and_any_falsified_one_is_not() -> None:
    assert list(turns.judge(TURNS, GRANTS, ["one", "two", "three"])) == []
    lies = dict(turns.falsified(TURNS, GRANTS))
    assert len(lies) == 3
    assert [what for what, lie in lies.items() if not list(turns.judge(lie, GRANTS, ()))] == []


def test_a_write_behind_the_end_of_its_own_turn_is_found() -> None:
    assert list(turns.judge([*TURNS[:3], written(5, "late")], (), ()))


def test_a_turn_that_was_given_while_another_held_is_found() -> None:
    early = Grant(9, "a", 3.9, 6)
    assert list(turns.judge(TURNS, [*GRANTS[:2], early], ()))


def asked(key: str, **body: Any) -> dict[str, Any]:
    return {"kind": "approval", "key": key, "at": "2025-01-01T00:00:00.000Z", "body": body}


def decided(key: str, decision: str, at: str = "2025-01-01T00:00:01.000Z") -> dict[str, Any]:
    return {"kind": "decision", "key": key, "at": at, "body": {"decision": decision, "by": "x"}}


ANSWERED = [asked("q"), decided("q", "approved"), asked("r", expires_in=0.3)]
TOLD = [Told("r", "expired"), Told("q", "approved", "x")]


def test_answers_that_agree_are_in_order_and_any_falsified_one_is_not() -> None:
    refused = [Refused("q", "denied"), Refused("r", "approved")]
    assert list(approvals.judge(ANSWERED, ["q", "r"], TOLD, refused)) == []
    lies = {what: lie for what, *lie in approvals.falsified(ANSWERED, TOLD)}
    assert len(lies) == 3
    found = {
        what: list(approvals.judge(log, ["q"], told, ())) for what, (log, told) in lies.items()
    }
    assert [what for what, faults in found.items() if not faults] == []


def test_an_answer_behind_the_time_of_its_question_is_found() -> None:
    assert list(approvals.judge([*ANSWERED, decided("r", "denied")], (), (), ()))


def test_a_refusal_without_a_reason_is_found() -> None:
    assert list(approvals.judge(ANSWERED, (), (), [Refused("q", "approved")]))
    assert list(approvals.judge([asked("q")], (), (), [Refused("q", "approved")]))


def test_the_script_of_an_answer_is_its_parts() -> None:
    assert sum(map(len, whole(ANSWER).values())) == sum(len(text) for *_, text in script(ANSWER))
