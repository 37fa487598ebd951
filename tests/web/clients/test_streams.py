"""Streams of a real service are followed: from a place, from now on, across its end."""

from pathlib import Path

import pytest

from tests.service import Service, running
from web.clients import AgentRuntimeClient
from web.clients.errors import NotFound


def test_a_session_is_followed_to_its_end(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_messages(session_id, [{"role": "user", "content": "Hi"}])
    with client.follow_session(session_id) as events:
        assert next(events).data["body"] == {"role": "user", "content": "Hi"}
        client.append_messages(session_id, [{"role": "user", "content": "Bye"}])
        assert next(events).data["seq"] == 2
        client.delete_session(session_id)
        assert [one.name for one in events] == ["deleted"]


def test_kinds_and_a_place_say_what_is_followed(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [{"role": "user", "content": "Hi"}])
    cursor = client.resume(session_id)["cursor"]
    client.put_records(session_id, [{"key": "k", "value": 1}])
    client.append_messages(session_id, [{"role": "user", "content": "Bye"}])
    with client.follow_session(session_id, after=cursor, kinds=["record"]) as events:
        assert next(events).data["key"] == "k"


def test_all_sessions_are_followed_from_the_begin_of_the_block_on(
    client: AgentRuntimeClient, session_id: str
) -> None:
    with client.follow_all() as events:
        client.append_messages(session_id, [{"role": "user"}])
        seen = next(one for one in events if one.data["session_id"] == session_id)
        assert (seen.name, seen.data["change"]) == ("session", "created")
        with client.follow_all(after=seen.cursor) as again:
            client.delete_session(session_id)
            found = next(one for one in again if one.data["session_id"] == session_id)
            assert found.data["change"] == "deleted"


def test_a_block_begins_with_a_session_that_is_there(client: AgentRuntimeClient) -> None:
    with pytest.raises(NotFound), client.follow_session("no such session"):
        pass


def test_a_service_that_is_killed_and_started_again_is_followed_on(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        port = service.url.rpartition(":")[2]
        with AgentRuntimeClient(service.url) as client:
            client.append_messages("s", [{"role": "user", "content": "one"}])
            events = client.follow_session("s")
            assert next(events).data["seq"] == 1
            killed(service)
            with running(tmp_path, "--port", port):
                client.append_messages("s", [{"role": "user", "content": "two", "id": "m"}])
                assert next(events).data["body"]["content"] == "two"
                events.close()


def killed(service: Service) -> None:
    service.process.kill()
    service.process.wait()
