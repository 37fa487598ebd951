"""A draft and a turn last as long as a block, and end as it does."""

import pytest

from tests.web.clients.fakes import LOST, FakeTransport, reply
from web.clients import AgentRuntimeClient, Terms
from web.clients.errors import Conflict, PreconditionFailed
from web.clients.writing import LONGEST, Draft

HELLO = {"role": "user", "content": "Hello"}


def test_a_draft_grows_and_becomes_a_message(client: AgentRuntimeClient, session_id: str) -> None:
    client.create_session(session_id)
    with client.draft(session_id, "m") as draft:
        draft.append("Hel")
        draft.append("I think", part="reasoning")
        draft.append("lo")
        [shown] = client.resume(session_id)["drafts"]
        assert shown["parts"] == {"content": "Hello", "reasoning": "I think"}
    [message] = client.iter_messages(session_id)
    assert message["message"] == {
        "role": "assistant",
        "content": "Hello",
        "reasoning": "I think",
        "id": "m",
    }
    assert client.resume(session_id)["drafts"] == []


def test_a_draft_may_become_a_message_of_another_form(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    with client.draft(session_id, "m") as draft:
        draft.append("Hello")
        parts = [{"type": "text", "text": "Hello"}]
        draft.finish({"role": "assistant", "content": parts})
    assert client.get_messages(session_id)["messages"][0]["message"]["content"] == parts


def test_a_draft_is_left_by_an_error_and_taken_back_by_a_word(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    with pytest.raises(KeyError), client.draft(session_id, "m") as draft:
        raise said(draft, "Hel")
    assert client.resume(session_id)["drafts"][0]["parts"] == {"content": "Hel"}
    draft.drop()
    assert client.resume(session_id)["drafts"] == []


def said(draft: Draft, text: str) -> KeyError:
    draft.append(text)
    return KeyError("something of the block's own")


def test_a_long_piece_of_a_draft_goes_in_several_calls(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    with client.draft(session_id, "m") as draft:
        draft.append("é" * (LONGEST + 1))
    assert len(client.history(session_id)["messages"][0]["content"]) == LONGEST + 1


def test_a_piece_of_a_draft_whose_answer_got_lost_is_there_once() -> None:
    arrived = reply({"detail": "it has 3", "offset": 3}, 409)
    fake = FakeTransport([LOST, arrived, reply({"offset": 5}), reply({"seqs": [1]})])
    with AgentRuntimeClient(runtime=fake) as client, client.draft("s", "m") as draft:
        assert isinstance(draft, Draft)
        draft.append("Hel")
        draft.append("lo")
    assert b'"content":"Hello"' in fake.calls[-1].content


def test_a_draft_that_somebody_else_writes_is_a_conflict(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    client.append_draft(session_id, "m", "Hello, you")
    with pytest.raises(Conflict), client.draft(session_id, "m") as draft:
        draft.append("Hel")
    client.drop_draft(session_id, "m")


def test_a_turn_holds_for_a_block(client: AgentRuntimeClient, session_id: str) -> None:
    client.create_session(session_id)
    with client.turn(session_id, "me", ttl=30) as turn:
        client.append_messages(session_id, [HELLO], terms=turn.terms)
        with pytest.raises(Conflict, match="me"), client.turn(session_id, "you"):
            pass
        client.cancel_turn(session_id, by="ann", reason="enough")
        assert not turn.is_cancelled
        turn.renew()
        assert turn.is_cancelled
        turn.note("stopped")
    assert client.get_turn(session_id) is None
    ended = client.last_of_log(session_id, 1, kinds=["turn"])[0]
    assert ended["body"]["ended"] == {"outcome": "stopped"}


def test_a_turn_ends_with_the_name_of_the_error_that_ended_it(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    with pytest.raises(KeyError), client.turn(session_id, "me"):
        raise KeyError
    ended = client.last_of_log(session_id, 1, kinds=["turn"])[0]
    assert ended["body"]["ended"] == {"outcome": "KeyError"}


def test_a_turn_that_was_lost_says_so_at_its_end_unless_more_is_wrong(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id)
    with pytest.raises(PreconditionFailed), client.turn(session_id, "me") as turn:
        another_has_it(client, session_id, turn.terms)
    with pytest.raises(KeyError), client.turn(session_id, "me") as turn:
        raise another_has_it(client, session_id, turn.terms)


def another_has_it(client: AgentRuntimeClient, session_id: str, terms: Terms) -> KeyError:
    assert terms.turn is not None
    client.end_turn(session_id, terms.turn)
    client.take_turn(session_id, "you", 60)
    newer = client.get_turn(session_id)
    assert newer is not None
    client.append_messages(session_id, [HELLO], terms=Terms(turn=newer["turn"]))
    client.end_turn(session_id, newer["turn"])
    return KeyError("something of the block's own")
