"""A call is sent again where that is safe, and only there."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.web.clients.fakes import AWAY, LOST, Awaited, FakeTransport, reply
from web.clients.calls import approvals, drafts, log, maintenance, messages, records, sessions
from web.clients.calls.shapes import NewEntry
from web.clients.core import awaiting
from web.clients.core.asking import ask, walk
from web.clients.core.call import Ask
from web.clients.core.patience import LONGEST, PAUSES
from web.clients.errors import (
    AgentRuntimeError,
    InvalidCall,
    NotFound,
    Refused,
    ServiceUnavailable,
    ServiceUnreachable,
    Unchanged,
)

WRITTEN = {"seqs": [1]}
ENTRIES: list[NewEntry] = [{"kind": "message", "body": {"role": "user"}}]
UNAVAILABLE = reply({"detail": "not now"}, 503)

SAFE: Mapping[str, Callable[[], Ask[Any]]] = {
    "entries": lambda: log.append_entries("s", ENTRIES),
    "records": lambda: records.put_records("s", [{"key": "k", "value": 1}]),
    "messages with ids": lambda: messages.append_messages("s", [{"role": "user", "id": "m"}]),
    "a draft at its offset": lambda: drafts.append_draft("s", "m", "text", offset=0),
    "a read": lambda: sessions.get_session("s"),
    "a rewind": lambda: log.rewind("s", 0),
    "a fork": lambda: sessions.fork_session("s"),
}
UNSAFE: Mapping[str, Callable[[], Ask[Any]]] = {
    "messages without ids": lambda: messages.append_messages("s", [{"role": "user"}]),
    "a draft without its offset": lambda: drafts.append_draft("s", "m", "text"),
    "a creation": lambda: sessions.create_session("s"),
    "a deletion": lambda: sessions.delete_session("s"),
}


@pytest.mark.parametrize("lost", [LOST, UNAVAILABLE], ids=["broken off", "503"])
@pytest.mark.parametrize("name", SAFE)
def test_what_has_one_effect_is_sent_again_as_it_was(name: str, lost: ServiceUnreachable) -> None:
    fake = FakeTransport([lost, reply(WRITTEN)])
    ask(fake, SAFE[name](), fake.sleep)
    first, second = fake.calls
    assert first == second


async def test_what_is_awaited_is_sent_again_by_the_same_rules() -> None:
    fake = FakeTransport([LOST, UNAVAILABLE, reply(WRITTEN), LOST])
    awaited = Awaited(fake)
    await awaiting.ask(awaited, SAFE["entries"](), awaited.sleep)
    assert (len(fake.calls), len(fake.pauses)) == (3, 2)
    with pytest.raises(ServiceUnreachable):
        await awaiting.ask(awaited, UNSAFE["a creation"](), awaited.sleep)


async def test_steps_are_awaited_one_after_the_other_and_told_of_errors() -> None:
    pending, approved = reply({"state": "pending"}), reply({"state": "approved"})
    awaited = Awaited(FakeTransport([pending, approved, reply({}, 404)]))
    found = await awaiting.walk(awaited, approvals.wait_approval("s", "a"), awaited.sleep)
    assert found["state"] == "approved"
    with pytest.raises(NotFound):
        await awaiting.walk(awaited, approvals.wait_approval("s", "a"), awaited.sleep)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_could_have_two_effects_is_not_sent_again(name: str) -> None:
    fake = FakeTransport([LOST])
    with pytest.raises(ServiceUnreachable) as caught:
        ask(fake, UNSAFE[name](), fake.sleep)
    assert caught.value.was_sent
    assert len(fake.calls) == 1


@pytest.mark.parametrize("name", UNSAFE)
def test_a_fault_of_the_service_says_that_a_write_may_have_happened(name: str) -> None:
    fake = FakeTransport([UNAVAILABLE])
    with pytest.raises(ServiceUnavailable, match="not now"):
        ask(fake, UNSAFE[name](), fake.sleep)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_was_surely_not_sent_is_sent_again_in_any_case(name: str) -> None:
    fake = FakeTransport([AWAY, reply(WRITTEN)])
    ask(fake, UNSAFE[name](), fake.sleep)
    assert len(fake.calls) == 2


def test_each_call_without_an_id_gets_one_of_its_own() -> None:
    one, other = log.append_entries("s", ENTRIES), log.append_entries("s", ENTRIES)
    assert one.call.content != other.call.content


def test_each_pause_is_longer_than_the_one_before_up_to_the_last_try() -> None:
    fake = FakeTransport([AWAY] * (len(PAUSES) + 1))
    with pytest.raises(ServiceUnreachable):
        ask(fake, sessions.get_session("s"), fake.sleep)
    assert len(fake.pauses) == len(PAUSES)
    assert fake.pauses == sorted(fake.pauses)


@pytest.mark.parametrize(("asked", "pause"), [("2", 2.0), ("0", 0.0), ("3600", LONGEST)])
def test_the_service_says_when_to_come_again(asked: str, pause: float) -> None:
    busy = reply({}, 503, **{"retry-after": asked})
    fake = FakeTransport([busy, reply(WRITTEN)])
    ask(fake, log.append_entries("s", ENTRIES), fake.sleep)
    assert fake.pauses == [pause]


def test_a_refusal_is_not_sent_again() -> None:
    fake = FakeTransport([reply({"detail": "no such session"}, 404)])
    with pytest.raises(NotFound, match="no such session"):
        ask(fake, sessions.get_session("s"), fake.sleep)


def test_a_runtime_in_this_process_that_has_ended_is_not_asked_again() -> None:
    ended = ServiceUnreachable("it has ended", was_sent=False, is_final=True)
    fake = FakeTransport([ended])
    with pytest.raises(ServiceUnreachable):
        ask(fake, sessions.get_session("s"), fake.sleep)


def test_the_health_of_a_service_that_takes_no_writes_is_an_answer() -> None:
    fake = FakeTransport([reply({"status": "degraded"}, 503)])
    assert ask(fake, maintenance.health(), fake.sleep)["status"] == "degraded"


def test_what_is_as_it_was_is_said_so() -> None:
    fake = FakeTransport([reply(status=304)])
    with pytest.raises(Unchanged):
        ask(fake, sessions.get_session("s", if_none_match='"1-00"'), fake.sleep)
    assert fake.calls[0].headers == (("If-None-Match", '"1-00"'),)


@pytest.mark.parametrize("content", [b"<html>", b"", b"\xff"])
def test_a_page_of_something_else_is_no_answer(content: bytes) -> None:
    fake = FakeTransport([reply()])
    fake.outcomes[0] = type(reply())(200, {}, content)
    with pytest.raises(AgentRuntimeError, match="is the address right"):
        ask(fake, sessions.get_session("s"), fake.sleep)


def test_a_refusal_in_other_words_than_the_services_is_one_all_the_same() -> None:
    fake = FakeTransport([type(reply())(400, {}, b"<html>Bad Request")])
    with pytest.raises(Refused, match="The service answered 400"):
        ask(fake, sessions.get_session("s"), fake.sleep)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sessions.get_session("\ud800"),
        lambda: sessions.list_sessions(prefix="\ud800"),
        lambda: sessions.patch_session("s", {"title": "\ud800"}),
        lambda: messages.append_messages("s", [{"role": "user", "content": "\ud800"}]),
        lambda: log.append_entries("s", [{"kind": "message", "body": {"content": float("nan")}}]),
        lambda: records.put_records("s", [{"key": "k", "value": object()}]),
    ],
)
def test_what_cannot_be_said_is_refused_before_it_is_sent(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidCall):
        make()


def test_an_approval_is_waited_for_call_by_call() -> None:
    pending, approved = reply({"state": "pending"}), reply({"state": "approved"})
    fake = FakeTransport([pending, pending, approved])
    found = walk(fake, approvals.wait_approval("s", "a"), fake.sleep)
    assert found["state"] == "approved"
    assert {call.query for call in fake.calls} == {(("wait", "30.0"),)}


def test_an_approval_is_waited_for_no_longer_than_was_asked() -> None:
    fake = FakeTransport([reply({"state": "pending"})] * 2)
    found = walk(fake, approvals.wait_approval("s", "a", timeout=45), fake.sleep)
    assert found["state"] == "pending"
    assert [call.query for call in fake.calls] == [(("wait", "30.0"),), (("wait", "15.0"),)]


def test_an_answer_may_be_waited_for_longer_than_a_service_may_be_silent() -> None:
    wanted: Ask[approvals.Approval] = approvals.get_approval("s", "a", wait=60)
    assert wanted.call.silence > 60
