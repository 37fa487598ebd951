"""The calls mean what the service does: one of each, against a real one."""

import pytest

from web.clients import AgentRuntimeClient, Terms
from web.clients.errors import Conflict, NotFound, PreconditionFailed

HELLO = {"role": "user", "content": "Hello"}


def test_a_session_is_made_read_changed_and_listed(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.create_session(session_id, title="A", system_prompt="Be brief.", metadata={"of": "me"})
    client.patch_session(session_id, {"title": None, "archived": True, "metadata": {"a": 1}})
    header = client.get_session(session_id)
    assert (header["title"], header["archived"]) == (None, True)
    assert header["metadata"] == {"of": "me", "a": 1}
    with pytest.raises(Conflict):
        client.create_session(session_id)
    [listed] = client.iter_sessions(prefix=session_id, include=["metadata"], archived=True)
    assert listed["metadata"] == header["metadata"]
    [listed] = client.list_sessions(prefix=session_id, metadata={"of": "me"})["sessions"]
    assert listed["session_id"] == session_id


def test_messages_are_appended_and_read(client: AgentRuntimeClient, session_id: str) -> None:
    done = client.append_messages(session_id, [HELLO, {**HELLO, "id": "m"}])
    assert done["seqs"] == [1, 2]
    assert client.append_messages(session_id, [{**HELLO, "id": "m"}])["seqs"] == [2]
    assert [one["seq"] for one in client.iter_messages(session_id, limit=1)] == [1, 2]
    assert [one["seq"] for one in client.iter_messages(session_id, after=1)] == [2]
    page = client.get_messages(session_id, last=1)
    assert page["messages"][0].get("id") == "m"
    with pytest.raises(NotFound):
        client.append_messages(f"{session_id} not there", [HELLO], create=False)


@pytest.mark.parametrize("name", [".", "..", "a/b", "a%2Fb", "a?b#c", "é ", "*"])
def test_any_name_is_one_segment_of_a_path(client: AgentRuntimeClient, name: str) -> None:
    with pytest.raises(NotFound, match="not found") as caught:
        client.history(name)
    assert name in caught.value.detail


def test_entries_are_appended_read_gone_back_behind_and_redacted(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_entries(
        session_id,
        [
            {"kind": "message", "body": HELLO},
            {"kind": "record", "key": "app/k", "body": {"value": 1}},
            {"kind": "message", "body": {**HELLO, "content": "secret"}},
        ],
    )
    assert [one["seq"] for one in client.get_log(session_id, kinds=["record"])["entries"]] == [2]
    assert client.redact(session_id, 3, "/content")["seq"] == 3
    assert client.last_of_log(session_id, 1)[0]["body"]["content"] == "[redacted]"
    assert client.rewind(session_id, 1)["message_count"] == 1
    assert [
        one["seq"] for one in client.iter_log(session_id, counting=True, kinds=["message"])
    ] == [1]


def test_records_are_put_read_and_removed(client: AgentRuntimeClient, session_id: str) -> None:
    put = [{"key": key, "value": key} for key in ("a", "b", "c")]
    client.put_records(session_id, put)  # type: ignore[arg-type]
    assert [one["key"] for one in client.iter_records(session_id, limit=2)] == ["a", "b", "c"]
    assert client.first_records(session_id, reverse=True)[0]["key"] == "c"
    with pytest.raises(PreconditionFailed):
        client.put_records(session_id, [{"key": "a", "value": 0}], expect={"a": 9})
    client.put_records(session_id, remove=["a"], remove_prefix=["b"])
    assert [one["key"] for one in client.get_records(session_id)["records"]] == ["c"]


def test_a_write_is_taken_on_its_terms(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_messages(session_id, [HELLO], terms=Terms(if_absent=True))
    tag = client.get_tag(session_id)
    client.append_messages(session_id, [HELLO], terms=Terms(if_match=tag))
    for terms in (Terms(if_match=tag), Terms(if_absent=True), Terms(turn=7)):
        with pytest.raises(PreconditionFailed):
            client.append_messages(session_id, [HELLO], terms=terms)
    done = client.append_messages(session_id, [HELLO], terms=Terms(is_async=True))
    assert done["seqs"] == [3]


def test_agents_hand_over(client: AgentRuntimeClient, session_id: str) -> None:
    client.create_session(session_id, agent="planner")
    client.switch_agent(session_id, "coder", reason="a plan is there")
    agents = client.current_agent(session_id)
    assert agents["current_agent"] == "coder"
    assert agents["agent_history"][0]["from"] == "planner"
    assert [one["agent"] for one in client.iter_timeline(session_id)] == ["planner", "coder"]
    assert len(client.get_timeline(session_id, limit=1)["work"]) == 1


def test_a_model_is_told_a_summary(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_messages(session_id, [HELLO, {**HELLO, "role": "assistant"}, HELLO])
    client.compact(session_id, 2, {"role": "user", "content": "They said hello."})
    context = client.get_context(session_id, max_messages=10)
    assert [one["content"] for one in context["messages"]] == ["They said hello.", "Hello"]


def test_a_fork_goes_its_own_way(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_messages(session_id, [HELLO, HELLO])
    fork = client.fork_session(session_id, f"{session_id} fork", at=1)
    assert fork["message_count"] == 1
    assert fork.get("forked_from") == {"session_id": session_id, "at": 1}


def test_somebody_is_asked_and_answers_once(client: AgentRuntimeClient, session_id: str) -> None:
    client.create_session(session_id)
    client.ask_approval(session_id, "a/1", "May I?", detail={"command": "ls"}, expires_in=60)
    pending = [one for one in client.iter_pending() if one["session_id"] == session_id]
    assert [one.get("detail") for one in pending] == [{"command": "ls"}]
    assert client.list_pending(limit=1)["approvals"]
    assert client.wait_approval(session_id, "a/1", timeout=0.01)["state"] == "pending"
    client.decide_approval(session_id, "a/1", "approved", by="ann", note="go on")
    assert client.wait_approval(session_id, "a/1")["state"] == "approved"
    assert client.get_approval(session_id, "a/1", wait=1).get("by") == "ann"
    with pytest.raises(Conflict):
        client.decide_approval(session_id, "a/1", "denied")
    assert [one["id"] for one in client.iter_approvals(session_id, state="approved")] == ["a/1"]
    assert client.list_approvals(session_id, state="pending")["approvals"] == []


def test_usage_is_summed(client: AgentRuntimeClient, session_id: str) -> None:
    client.create_session(session_id, agent=session_id)
    client.report_usage(session_id, {"tokens": 3, "cost": 0.5}, model="m", id="once")
    client.report_usage(session_id, {"tokens": 3, "cost": 0.5}, model="m", id="once")
    client.report_usage(session_id, {"tokens": 4}, agent="other")
    assert client.get_usage(session_id)["totals"] == {"tokens": 7, "cost": 0.5}
    assert [one["agent"] for one in client.iter_usage(session_id, limit=1)] == [
        "other",
        session_id,
    ]
    day = next(client.iter_usage(session_id))["day"]
    assert client.get_all_usage(since=day, until=day)["totals"]["tokens"] >= 7
    assert session_id in [one["agent"] for one in client.iter_all_usage(since=day)]


def test_what_was_said_is_found(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_messages(session_id, [{**HELLO, "content": "a xylophone"}])
    hits = client.search("xylo*", prefix=session_id, role="user")
    assert [hit["snippet"] for hit in hits["hits"]] == ["a xylophone"]
    assert [hit["seq"] for hit in client.iter_search("xylophone", prefix=session_id)] == [1]


def test_what_was_deleted_comes_back_and_goes_for_good(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_messages(session_id, [HELLO])
    client.delete_session(session_id)
    trashed = next(one for one in client.iter_trash() if one["session_id"] == session_id)
    back = client.undelete_session(session_id, f"{session_id} 2", trash_id=trashed["trash_id"])
    assert back["session_id"] == f"{session_id} 2"
    client.delete_session(back["session_id"])
    [again] = client.get_trash(limit=1)["sessions"]
    client.purge_trashed(again["trash_id"])
    with pytest.raises(NotFound):
        client.undelete_session(back["session_id"])
    client.append_messages(session_id, [HELLO])
    client.delete_session(session_id, purge=True)
    with pytest.raises(NotFound):
        client.undelete_session(session_id)


def test_an_operator_asks_how_things_are(client: AgentRuntimeClient) -> None:
    assert client.health()["status"] == "healthy"
    assert client.list_nodes() == {"nodes": []}
    assert client.cleanup(max_age_hours=1000, dry_run=True)["deleted"] == 0
    assert client.cleanup(max_age_hours=1000) == {"deleted": 0}
    assert client.openapi()["info"]["title"] == "agent-runtime"
