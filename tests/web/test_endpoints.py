"""The endpoints beyond the guide's."""

from contextlib import suppress
from typing import Any

import pytest
import trio
from quart import Response
from trio.testing import MockClock

from persistence import MemoryStore
from runtime import StoreUnavailable, open_runtime
from runtime.store.deltas import Committed
from tests.web.conftest import Api, open_api
from tests.web.serving import open_server
from web import create_app
from web.call.problems import NOT_REPEATABLE, REPEATABLE
from web.exposition import rendered
from web.metrics import Metrics


async def json_of(answer: Response) -> Any:
    return await answer.get_json(force=True)


async def test_a_created_session_says_where_it_is(api: Api) -> None:
    body = {
        "session_id": "s",
        "system_prompt": "Be brief",
        "agent": "coder",
        "title": "A plan",
        "metadata": {"project": "x"},
    }
    answer = await api.post("/sessions", body)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/sessions/s"
    created = await json_of(answer)
    assert created == await json_of(await api.get("/sessions/s"))
    assert created == {
        "session_id": "s",
        "title": "A plan",
        "archived": False,
        "metadata": {"project": "x"},
        "created_at": "2025-12-31T08:40:00.000Z",
        "last_activity": "2025-12-31T08:40:00.000Z",
        "message_count": 1,
        "current_agent": "coder",
        "state": "idle",
        "version": 2,
        "durable_seq": 2,
    }


async def test_a_session_without_an_id_gets_one(api: Api) -> None:
    answer = await api.post("/sessions")
    assert answer.status_code == 201
    session_id = (await json_of(answer))["session_id"]
    assert (await api.get(f"/sessions/{session_id}")).status_code == 200


async def test_the_first_message_creates_the_session(api: Api) -> None:
    answer = await api.post("/sessions/s/messages", {"role": "user", "content": "hello"})
    assert answer.status_code == 201
    assert await json_of(answer) == {
        "session_id": "s",
        "seqs": [1],
        "first_seq": 1,
        "last_seq": 1,
        "message_count": 1,
        "durable_seq": 1,
    }


async def test_a_message_sent_again_gets_the_first_answer(api: Api) -> None:
    message = {"role": "user", "content": "hello", "id": "m1"}
    first = await json_of(await api.post("/sessions/s/messages", message))
    again = await api.post("/sessions/s/messages", message)
    assert again.status_code == 200
    assert await json_of(again) == first


async def test_messages_come_in_pages_with_all_that_is_known_of_them(api: Api) -> None:
    await api.say("s", "a", "b")
    message = {"role": "user", "content": "c", "id": "m", "name": "n", "metadata": {"k": [1]}}
    await api.post("/sessions/s/messages", message)
    page = await json_of(await api.get("/sessions/s/messages?after=1&limit=1"))
    assert [m["seq"] for m in page["messages"]] == [2]
    assert page["next_cursor"].startswith("2-")
    page = await json_of(await api.get(f"/sessions/s/messages?after={page['next_cursor']}"))
    assert page["messages"] == [
        {"seq": 3, "timestamp": "2025-12-31T08:40:00.000Z", "id": "m", "message": message},
    ]
    assert "next_cursor" not in page
    assert (page["message_count"], page["durable_seq"]) == (3, 3)
    page = await json_of(await api.get("/sessions/s/messages?after=3"))
    assert page["messages"] == []


async def test_the_list_comes_in_pages_without_gap_or_repeat(api: Api) -> None:
    for number in range(7):
        await api.say(f"s{number}", "hello")
    seen, query = [], "?limit=3"
    while query:
        page = await json_of(await api.get(f"/sessions{query}"))
        assert page["total"] == 7
        seen += [session["session_id"] for session in page["sessions"]]
        query = f"?limit=3&cursor={page['next_cursor']}" if "next_cursor" in page else ""
    assert seen == [f"s{number}" for number in reversed(range(7))]


async def test_a_deleted_session_is_gone(api: Api) -> None:
    await api.say("s", "hello")
    answer = await api.call("DELETE", "/api/v1/sessions/s")
    assert answer.status_code == 204
    assert await answer.get_data(as_text=False) == b""
    assert (await api.get("/sessions/s/history")).status_code == 404
    assert (await json_of(await api.get("/sessions")))["total"] == 0


async def test_switching_to_the_current_agent_changes_nothing(api: Api) -> None:
    await api.say("s", "hello")
    context = await json_of(await api.post("/agents/s/switch", {"agent": "orchestrator"}))
    assert (context["switch_count"], context["agent_history"]) == (0, [])


async def test_metadata_is_merged(api: Api) -> None:
    await api.post("/sessions", {"session_id": "s", "metadata": {"a": {"b": 1, "c": 2}, "d": 3}})
    patch = {"metadata": {"a": {"b": None, "e": 4}, "d": None}}
    answer = await api.call("PATCH", "/api/v1/sessions/s", json=patch)
    assert (await json_of(answer))["metadata"] == {"a": {"c": 2, "e": 4}}


async def test_cleanup_deletes_the_old_and_counts_them(api: Api) -> None:
    await api.say("old", "hello")
    api.clock.advance(hours=25)
    await api.say("new", "hello")
    answer = await json_of(await api.post("/maintenance/cleanup", {"max_age_hours": 24}))
    assert answer == {"deleted": 1}
    listed = await json_of(await api.get("/sessions"))
    assert [session["session_id"] for session in listed["sessions"]] == ["new"]


async def test_cleanup_without_a_body_takes_24_hours(api: Api) -> None:
    await api.say("old", "hello")
    api.clock.advance(hours=25)
    assert await json_of(await api.post("/maintenance/cleanup")) == {"deleted": 1}


PREFER = {"Prefer": "respond-async"}


async def test_a_write_that_prefers_not_to_wait_gets_202(api: Api) -> None:
    message = {"role": "user", "content": "hello"}
    answer = await api.post("/sessions/s/messages", message, headers=PREFER)
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert (await json_of(answer))["durable_seq"] == 0


async def test_the_preference_means_nothing_where_nobody_waits_anyway() -> None:
    async with open_api(durability="snapshot") as api:
        message = {"role": "user", "content": "hello"}
        answer = await api.post("/sessions/s/messages", message, headers=PREFER)
        assert answer.status_code == 201
        assert "Preference-Applied" not in answer.headers


async def test_reads_say_how_much_is_on_disk(api: Api) -> None:
    await api.say("s", "a", "b")
    assert (await api.get("/sessions/s/history")).headers["Durable-Seq"] == "2"
    assert (await api.get("/agents/s/current")).headers["Durable-Seq"] == "2"


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_health_and_metrics_are_under_the_prefix_and_outside(api: Api, prefix: str) -> None:
    for path in ("/health", "/metrics", "/openapi.json", "/docs"):
        assert (await api.call("GET", f"{prefix}{path}")).status_code == 200


class FailingStore(MemoryStore):
    """Fails until told otherwise."""

    fails = True

    def commit(self, deltas: Any) -> Committed:
        if self.fails:
            raise StoreUnavailable("database or disk is full")
        return super().commit(deltas)


async def test_health_says_since_when_the_store_fails_and_then_that_it_works_again(
    patient_clock: MockClock,
) -> None:
    store = FailingStore()
    async with open_api(store, commit_timeout=0.5, backoff_max=0.05) as api:
        assert (await json_of(await api.call("GET", "/health")))["status"] == "healthy"
        failed = await api.post("/sessions/s/messages", {"role": "user", "content": "a", "id": "1"})
        assert failed.status_code == 503
        assert int(failed.headers["Retry-After"]) >= 1
        answer = await api.call("GET", "/health")
        assert answer.status_code == 503
        health = await json_of(answer)
        assert health["status"] == "degraded"
        assert health["failing_since"] == "2025-12-31T08:40:00.000Z"
        store.fails = False
        while api.runtime.statistics().persister.failing_since is not None:
            with suppress(StoreUnavailable):
                await api.runtime.flush()
        assert (await api.call("GET", "/health")).status_code == 200
        again = await api.post("/sessions/s/messages", {"role": "user", "content": "a", "id": "1"})
        assert again.status_code == 200


HELLO = {"role": "user", "content": "hello"}
NAMED = {**HELLO, "id": "m"}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/sessions/s/messages", NAMED, REPEATABLE),
        ("/sessions/s/messages", {"messages": [NAMED, HELLO]}, NOT_REPEATABLE),
        ("/sessions", {"session_id": "s"}, REPEATABLE),
        ("/sessions", {}, NOT_REPEATABLE),
        ("/sessions/s/log", {"entries": [{"kind": "message", "body": HELLO}]}, NOT_REPEATABLE),
        (
            "/sessions/s/log",
            {"entries": [{"kind": "message", "body": HELLO}], "id": "c"},
            REPEATABLE,
        ),
        ("/sessions/s/records", {"put": [{"key": "k", "value": 1}], "id": "c"}, REPEATABLE),
        ("/sessions/s/records", {"put": [{"key": "k", "value": 1}]}, NOT_REPEATABLE),
        (
            "/sessions/s/log",
            {"entries": [{"kind": "record", "key": "k", "body": {"value": 1}}]},
            NOT_REPEATABLE,
        ),
    ],
)
async def test_a_write_is_called_repeatable_only_where_it_says_what_it_is(
    path: str, body: Any, detail: str, patient_clock: MockClock
) -> None:
    store = FailingStore()
    async with open_api(store, commit_timeout=0.05) as api:
        answer = await api.post(path, body)
        assert answer.status_code == 503
        assert (await json_of(answer))["detail"] == detail
        store.fails = False


async def test_a_failing_store_does_not_stop_reads_of_active_sessions(
    patient_clock: MockClock,
) -> None:
    store = FailingStore()
    async with open_api(store, commit_timeout=0.05) as api:
        await api.post("/sessions/s/messages", {"role": "user", "content": "a"})
        history = await json_of(await api.get("/sessions/s/history"))
        assert history["message_count"] == 1
        store.fails = False


async def test_metrics_count_what_happens(api: Api) -> None:
    await api.say("s", "hello")
    await api.get("/sessions/nobody/history")
    await api.get("/search?q=hello")
    text = await (await api.call("GET", "/metrics")).get_data(as_text=True)
    for line in (
        "agent_runtime_index_waiting_sessions 0.0",
        "agent_runtime_index_lag_seconds 0.0",
        "agent_runtime_index_catching_up 0.0",
        "agent_runtime_index_failing 0.0",
        "agent_runtime_active_sessions 1.0",
        "agent_runtime_dirty_sessions 0.0",
        "agent_runtime_oldest_undurable_seconds 0.0",
        "agent_runtime_activations_total 2.0",
        "agent_runtime_passivations_total 1.0",
        "agent_runtime_mailbox_rejections_total 0.0",
        'agent_runtime_batch_sessions_bucket{le="1"} 1.0',
        "agent_runtime_commit_seconds_count 1.0",
        'agent_runtime_http_requests_total{method="GET",'
        'route="/api/v1/sessions/<session_id>/history",status="404"} 1.0',
    ):
        assert line in text.splitlines()


async def test_metrics_show_how_late_the_event_loop_is(autojump_clock: MockClock) -> None:
    async with open_runtime(MemoryStore()) as runtime:
        metrics = Metrics(runtime)
        with trio.move_on_after(1.01):
            await metrics.watch_lag()
        lines = rendered(metrics).decode().splitlines()
    assert 'agent_runtime_event_loop_lag_seconds_bucket{le="0.001"} 20.0' in lines
    assert "agent_runtime_event_loop_lag_seconds_count 20.0" in lines


# -- conditional requests ------------------------------------------------------------------------


async def tag_of(api: Api, session_id: str = "s") -> str:
    answer = await api.get(f"/sessions/{session_id}/history")
    assert answer.status_code == 200
    return answer.headers["ETag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_history_that_has_not_changed_is_not_sent_again(api: Api, form: str) -> None:
    await api.say("s", "hello")
    known = form.format(tag := await tag_of(api))
    answer = await api.get("/sessions/s/history", headers={"If-None-Match": known})
    assert (answer.status_code, await answer.get_data()) == (304, b"")
    assert (answer.headers["ETag"], answer.headers["Durable-Seq"]) == (tag, "1")


async def test_the_head_of_a_304_says_nothing_of_a_body(api: Api) -> None:
    await api.say("s", "hello")
    async with open_server(create_app(api.runtime)) as served:
        path = "/api/v1/sessions/s/history"
        known = (await served.ask("GET", path)).headers["etag"]
        answer = await served.ask("GET", path, If_None_Match=known)
    assert answer.status == 304
    rights = {"x-content-type-options", "cross-origin-resource-policy"}
    assert set(answer.headers) == {"etag", "durable-seq", "date", *rights}


async def test_every_change_of_a_session_changes_its_tag(api: Api) -> None:
    await api.say("s", "hello")
    tags = [await tag_of(api)]
    await api.say("s", "again")
    tags.append(await tag_of(api))
    await api.post("/agents/s/switch", {"agent": "coder"})
    tags.append(await tag_of(api))
    await api.call("PATCH", "/api/v1/sessions/s", json={"metadata": {"a": 1}})
    tags.append(await tag_of(api))
    await api.call("DELETE", "/api/v1/sessions/s")
    await api.say("s", "hello")
    tags.append(await tag_of(api))
    assert len(set(tags)) == len(tags)
    answer = await api.get("/sessions/s/history", headers={"If-None-Match": tags[0]})
    assert answer.status_code == 200


async def test_no_other_session_has_the_same_tag_and_a_restart_keeps_it() -> None:
    store = MemoryStore()
    tags: list[str] = []
    for _ in range(2):
        async with open_api(store) as api:
            for session_id in ("a", "b"):
                if len(tags) < 2:
                    await api.say(session_id, "hello")
                tags.append(await tag_of(api, session_id))
    assert tags[0] != tags[1]
    assert tags[:2] == tags[2:]
