"""The OpenAPI document says what is so: every real answer fits it, and every endpoint is in it."""

import json
from typing import Any

import pytest
import trio
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from quart import Response

from tests.web.conftest import Api, open_api
from tests.web.interfaces import chunks_of
from tests.web.streams import followed
from web.docs import openapi

Json = dict[str, Any]

ENDPOINTS = {
    "GET /api/v1/sessions",
    "POST /api/v1/sessions",
    "GET /api/v1/sessions/{session_id}",
    "PATCH /api/v1/sessions/{session_id}",
    "DELETE /api/v1/sessions/{session_id}",
    "GET /api/v1/sessions/{session_id}/history",
    "GET /api/v1/sessions/{session_id}/messages",
    "POST /api/v1/sessions/{session_id}/messages",
    "GET /api/v1/sessions/{session_id}/log",
    "POST /api/v1/sessions/{session_id}/log",
    "GET /api/v1/sessions/{session_id}/events",
    "GET /api/v1/events",
    "GET /api/v1/sessions/{session_id}/records",
    "POST /api/v1/sessions/{session_id}/records",
    "POST /api/v1/sessions/{session_id}/drafts/{message_id}",
    "DELETE /api/v1/sessions/{session_id}/drafts/{message_id}",
    "GET /api/v1/sessions/{session_id}/context",
    "GET /api/v1/usage",
    "POST /api/v1/sessions/{session_id}/usage",
    "GET /api/v1/sessions/{session_id}/usage",
    "GET /api/v1/sessions/{session_id}/timeline",
    "GET /api/v1/search",
    "POST /api/v1/sessions/{session_id}/compactions",
    "POST /api/v1/sessions/{session_id}/rewind",
    "POST /api/v1/sessions/{session_id}/fork",
    "POST /api/v1/sessions/{session_id}/undelete",
    "GET /api/v1/sessions/{session_id}/resume",
    "GET /api/v1/sessions/{session_id}/export",
    "POST /api/v1/import",
    "POST /api/v1/sessions/{session_id}/redact",
    "GET /api/v1/trash",
    "DELETE /api/v1/trash/{trash_id}",
    "GET /api/v1/agents/{session_id}/current",
    "POST /api/v1/agents/{session_id}/switch",
    "POST /api/v1/sessions/{session_id}/turn",
    "GET /api/v1/sessions/{session_id}/turn",
    "DELETE /api/v1/sessions/{session_id}/turn",
    "POST /api/v1/sessions/{session_id}/turn/cancel",
    "GET /api/v1/approvals",
    "POST /api/v1/sessions/{session_id}/approvals",
    "GET /api/v1/sessions/{session_id}/approvals",
    "GET /api/v1/sessions/{session_id}/approvals/{approval_id}",
    "POST /api/v1/sessions/{session_id}/approvals/{approval_id}/decision",
    "POST /api/v1/maintenance/cleanup",
    "GET /api/v1/nodes",
    "GET /health",
    "GET /ai/chat/{session_id}",
    "POST /ai/chat/{session_id}",
    "POST /ai/chat",
    "GET /ai/chat/{session_id}/stream",
    "GET /ag-ui/{session_id}",
    "POST /ag-ui/{session_id}",
}


@pytest.fixture
async def document(api: Api) -> Json:
    answer = await api.call("GET", "/openapi.json")
    document: Json = json.loads(await answer.get_data(as_text=False))
    return document


def operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_the_document_is_valid(document: Json) -> None:
    validate(document)


async def test_it_is_made_once_and_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made_in_the_loop: list[bool] = []

    def document(_: object) -> Json:
        made_in_the_loop.append(trio.lowlevel.in_trio_run())
        return {"openapi": "3.1.0"}

    monkeypatch.setattr(openapi, "document", document)
    async with open_api() as api:
        for _ in range(2):
            answer = await api.call("GET", "/openapi.json")
            assert await answer.get_json() == {"openapi": "3.1.0"}
    assert made_in_the_loop == [False]


async def test_every_endpoint_is_in_it_once(document: Json) -> None:
    assert set(operations(document)) == ENDPOINTS


async def test_every_operation_has_an_id_that_is_a_name(document: Json) -> None:
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(ids)) == len(ids)
    assert all(name.isidentifier() for name in ids)


async def test_every_operation_says_in_a_sentence_what_it_does(document: Json) -> None:
    for name, operation in operations(document).items():
        assert operation["summary"].endswith("."), name


def fits(document: Json, operation: str, answer: Response, body: bytes) -> None:
    """Fails if the answer is not one that the document announces."""
    responses = operations(document)[operation]["responses"]
    response = responses.get(str(answer.status_code))
    if response is None:
        assert answer.status_code >= 400, f"{operation}: {answer.status_code} is not documented"
        response = responses["default"]
    if "content" not in response:
        assert body == b""
        return
    ((content_type, media),) = response["content"].items()
    assert answer.content_type == content_type
    schema = {**media["schema"], "components": document["components"]}
    for text in body.splitlines() if content_type == "application/jsonl" else [body]:
        Draft202012Validator(schema).validate(json.loads(text))


MESSAGE = {"role": "user", "content": [{"type": "text"}], "id": "m1", "metadata": {"a": 1}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {}}}
SESSION = "/api/v1/sessions/{session_id}"
APPROVAL = f"{SESSION}/approvals/{{approval_id}}"
PUT = {"put": [{"key": "k", "value": None}]}
SUMMED_UP = {"through": 3, "summary": {"role": "user", "content": "c", "x": [1]}, "id": "k"}
DRAFT = f"{SESSION}/drafts/{{message_id}}"
LOG = b"""{"format":"agent-runtime","session_id":"i"}
{"seq":1,"kind":"message","at":"2025-01-01T00:00:00Z","body":{"role":"user","content":"x"}}
"""
CHAT = "/ai/chat/{session_id}"
UI_MESSAGE = {"id": "ui", "role": "user", "parts": [{"type": "text", "text": "x"}], "metadata": 1}
ALL_KINDS = [
    {"kind": "rewind", "body": {"to": 2}},
    {"kind": "message", "key": "x", "body": {"role": "user", "id": {"any": "thing"}}},
    {"kind": "record", "key": "k", "body": {"value": [1]}},
    {"kind": "record", "key": "k", "body": {"removed": True}},
    {"kind": "switch", "body": {"to": "tester"}},
    {"kind": "settings", "body": {"title": "t", "metadata": None}},
]
CALLS: list[tuple[str, str, Any, int]] = [
    ("POST /api/v1/sessions", "", {"session_id": "s", "system_prompt": "p"}, 201),
    ("POST /api/v1/sessions", "", {"session_id": "s"}, 409),
    ("POST /api/v1/sessions", "", {"agent": 5}, 400),
    (f"POST {SESSION}/messages", "", MESSAGE, 201),
    (f"POST {SESSION}/messages", "", MESSAGE, 200),
    (f"POST {SESSION}/messages", "", {**MESSAGE, "content": "y"}, 409),
    (f"POST {SESSION}/messages", "", {"messages": []}, 400),
    (
        f"POST {SESSION}/messages",
        "",
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [CALL]}]},
        201,
    ),
    ("POST /api/v1/agents/{session_id}/switch", "", {"agent": "coder", "reason": "r"}, 200),
    (f"PATCH {SESSION}", "", {"metadata": {"a": {"b": None}}, "title": None}, 200),
    (f"POST {SESSION}/log", "", {"entries": ALL_KINDS, "id": "c"}, 201),
    (f"POST {SESSION}/log", "", {"entries": ALL_KINDS, "id": "c"}, 200),
    (f"POST {SESSION}/log", "", {"entries": [{"kind": "none", "body": {}}]}, 400),
    (f"POST {SESSION}/records", "", PUT, 201),
    (f"POST {SESSION}/records", "", {**PUT, "once": True}, 200),
    (f"POST {SESSION}/records", "", {**PUT, "expect": {"x": 1}}, 200),
    (f"POST {SESSION}/records", "", {"remove": ["k"], "expect": {"x": 1}}, 412),
    (f"GET {SESSION}/records", "?limit=1", None, 200),
    (f"POST {DRAFT}", "", {"append": "\ud800", "role": "model", "offset": 0}, 201),
    (f"POST {DRAFT}", "", {"append": "x", "part": "reasoning"}, 200),
    (f"POST {DRAFT}", "", {"append": "x", "offset": 7}, 409),
    (f"POST {DRAFT}", "", {"append": "x", "role": "assistant"}, 409),
    (f"POST {DRAFT}", "", {"append": 5}, 400),
    (f"DELETE {DRAFT}", "", None, 204),
    (f"POST {SESSION}/compactions", "", SUMMED_UP, 201),
    (f"POST {SESSION}/compactions", "", SUMMED_UP, 200),
    (f"POST {SESSION}/compactions", "", {**SUMMED_UP, "through": 2}, 409),
    (f"POST {SESSION}/compactions", "", {"through": 1}, 400),
    (f"POST {SESSION}/usage", "", {"id": "u", "model": "m", "input_tokens": 5, "cost": 0.1}, 201),
    (f"POST {SESSION}/usage", "", {"id": "u", "model": "m", "input_tokens": 5, "cost": 0.1}, 200),
    (f"POST {SESSION}/usage", "", {"id": "u", "input_tokens": 6}, 409),
    (f"POST {SESSION}/usage", "", {"agent": "coder"}, 400),
    (f"GET {SESSION}/usage", "", None, 200),
    (f"GET {SESSION}/usage", "?limit=0", None, 400),
    (f"POST {SESSION}/redact", "", {"seq": 2, "id": "r"}, 200),
    (f"POST {SESSION}/redact", "", {"seq": 1, "pointer": "/role"}, 400),
    ("GET /api/v1/usage", "", None, 200),
    ("GET /api/v1/usage", "?since=2025-12-31&until=2025-12-31&limit=1", None, 200),
    ("GET /api/v1/usage", "?since=yesterday", None, 400),
    (f"GET {SESSION}/timeline", "", None, 200),
    (f"GET {SESSION}/timeline", "?limit=1", None, 200),
    ("GET /api/v1/search", "?q=p&limit=1", None, 200),
    ("GET /api/v1/search", "?q=t*&since=2025-12-31", None, 400),
    ("GET /api/v1/search", "", None, 400),
    (f"GET {SESSION}/context", "", None, 200),
    (f"GET {SESSION}/context", "?max_messages=5&max_bytes=999", None, 200),
    (f"GET {SESSION}/context", "?max_bytes=9", None, 409),
    (f"GET {SESSION}/context", "?max_bytes=0", None, 400),
    (f"POST {SESSION}/rewind", "", {"to": 4, "id": "r"}, 200),
    (f"POST {SESSION}/rewind", "", {"to": 99}, 400),
    (f"POST {SESSION}/fork", "", {"session_id": "f"}, 201),
    (f"POST {SESSION}/fork", "", {"session_id": "f"}, 200),
    (f"POST {SESSION}/fork", "", {"session_id": "f", "at": 1}, 409),
    (f"POST {SESSION}/turn", "", {"holder": "h", "ttl": 60}, 201),
    (f"POST {SESSION}/turn", "", {"holder": "h", "ttl": 60}, 200),
    (f"POST {SESSION}/turn", "", {"holder": "i", "ttl": 60}, 409),
    (f"POST {SESSION}/turn", "", {"holder": "i", "ttl": 0}, 400),
    (f"POST {SESSION}/turn/cancel", "", {"by": "ann"}, 200),
    (f"GET {SESSION}/turn", "", None, 200),
    (f"DELETE {SESSION}/turn", "", None, 400),
    (f"POST {SESSION}/approvals", "", {"id": "a", "title": "?", "expires_in": 5}, 201),
    (f"POST {SESSION}/approvals", "", {"id": "a", "title": "?", "expires_in": 5}, 200),
    (f"POST {SESSION}/approvals", "", {"id": "a", "title": "!"}, 409),
    (f"POST {SESSION}/approvals", "", {"id": "b", "title": "?", "detail": [1]}, 201),
    (f"POST {SESSION}/approvals", "", {"title": "?"}, 400),
    ("GET /api/v1/approvals", "?limit=1", None, 200),
    ("GET /api/v1/approvals", "?state=denied", None, 400),
    (f"POST {APPROVAL}/decision", "", {"decision": "denied", "by": "ann", "note": "n"}, 200),
    (f"POST {APPROVAL}/decision", "", {"decision": "approved"}, 409),
    (f"GET {APPROVAL}", "?wait=1", None, 200),
    (f"GET {SESSION}/approvals", "?state=pending&limit=1", None, 200),
    (f"GET {SESSION}", "", None, 200),
    (f"GET {SESSION}/history", "", None, 200),
    (f"GET {SESSION}/messages", "", None, 200),
    (f"GET {SESSION}/messages", "?last=1", None, 200),
    (f"GET {SESSION}/messages", "?limit=0", None, 400),
    (f"GET {SESSION}/messages", "?after=1-0000000000000000", None, 412),
    (f"GET {SESSION}/log", "", None, 200),
    (f"GET {SESSION}/log", "?limit=1", None, 200),
    (f"GET {SESSION}/resume", "", None, 200),
    ("GET /api/v1/agents/{session_id}/current", "", None, 200),
    (f"GET {SESSION}/export", "", None, 200),
    ("POST /api/v1/import", "", LOG, 201),
    ("POST /api/v1/import", "", LOG, 200),
    ("POST /api/v1/import", "?session_id=s", LOG, 409),
    ("POST /api/v1/import", "", {"role": "user"}, 400),
    ("GET /api/v1/sessions", "", None, 200),
    ("GET /api/v1/sessions", "?limit=1", None, 200),
    ("GET /api/v1/sessions", "?prefix=s&include=title,metadata,version&limit=9", None, 200),
    ("POST /api/v1/maintenance/cleanup", "", {"max_age_hours": 1}, 200),
    ("POST /api/v1/maintenance/cleanup", "", {"dry_run": True}, 200),
    ("GET /api/v1/nodes", "", None, 200),
    ("GET /health", "", None, 200),
    (f"POST {CHAT}", "", {"messages": [UI_MESSAGE]}, 201),
    (f"POST {CHAT}", "", {"id": "s", "message": UI_MESSAGE}, 200),
    (f"POST {CHAT}", "", {"id": "other", "message": UI_MESSAGE}, 400),
    (f"GET {CHAT}", "", None, 200),
    (f"GET {CHAT}", "?last=0", None, 400),
    (f"DELETE {SESSION}", "", None, 204),
    ("GET /api/v1/trash", "", None, 200),
    (f"POST {SESSION}/undelete", "", {"trash_id": "9"}, 404),
    (f"POST {SESSION}/undelete", "", {}, 200),
    (f"POST {SESSION}/undelete", "", {"trash_id": "9"}, 409),
    ("DELETE /api/v1/trash/{trash_id}", "", None, 404),
    (f"DELETE {SESSION}", "?purge=true", None, 204),
    (f"GET {SESSION}/history", "", None, 404),
]


async def test_every_real_answer_is_the_documents(api: Api, document: Json) -> None:
    for operation, query, body, status in CALLS:
        method, path = operation.split()
        request = {} if body is None else {"json": body}
        if isinstance(body, bytes):
            request = {"data": body, "headers": {"Content-Type": "application/jsonl"}}
        named = path.format(session_id="s", trash_id="9", approval_id="a", message_id="d")
        answer = await api.call(method, named + query, **request)
        assert answer.status_code == status, operation
        fits(document, operation, answer, await answer.get_data(as_text=False))


STREAMS = {"GET /api/v1/sessions/{session_id}/events", "GET /api/v1/events"}
"""They do not end by themselves."""


INTERFACES: dict[str, tuple[str, Json | None]] = {
    "GET /ai/chat/{session_id}/stream": ("?after=0", None),
    "POST /ai/chat": ("?wait=0", {"id": "s", "messages": [UI_MESSAGE]}),
    "GET /ag-ui/{session_id}": ("", None),
    "POST /ag-ui/{session_id}": ("?wait=0", {"messages": [{"id": "a", "role": "assistant"}]}),
}
"""They end as soon as nobody answers; their events have no names."""


@pytest.mark.parametrize("operation", INTERFACES)
async def test_every_event_for_an_interface_is_the_documents(
    api: Api, document: Json, operation: str
) -> None:
    media = operations(document)[operation]["responses"]["200"]["content"]["text/event-stream"]
    data = media["schema"]["properties"]["data"]
    data = data.get("anyOf", [data])[-1]["contentSchema"]
    validator = Draft202012Validator({**data, "components": document["components"]})
    await api.say("s", "one")
    method, path = operation.split()
    query, body = INTERFACES[operation]
    request = {} if body is None else {"json": body}
    answer = await api.call(method, path.format(session_id="s") + query, **request)
    chunks = await chunks_of(answer)
    assert chunks
    for chunk in chunks:
        validator.validate(chunk)


async def test_every_endpoint_was_called() -> None:
    assert {operation for operation, *_ in CALLS} == ENDPOINTS - STREAMS - INTERFACES.keys()


@pytest.mark.parametrize("operation", sorted(STREAMS))
async def test_every_event_is_the_documents(api: Api, document: Json, operation: str) -> None:
    ((content_type, media),) = operations(document)[operation]["responses"]["200"][
        "content"
    ].items()
    assert content_type == "text/event-stream"
    data = media["schema"]["properties"]["data"]["contentSchema"]
    validator = Draft202012Validator({**data, "components": document["components"]})
    await api.say("s", "one", "two")

    async def meanwhile() -> None:
        answer = await api.post("/sessions/s/log", {"entries": ALL_KINDS})
        assert answer.status_code == 201
        api.runtime.end_following()

    events = await followed(
        api, operation.removeprefix("GET /api/v1").format(session_id="s"), meanwhile
    )
    assert events
    for event in events:
        validator.validate(event.data)


async def test_what_the_document_forbids_the_service_refuses(api: Api, document: Json) -> None:
    path = "/api/v1/sessions/{session_id}/messages"
    body = operations(document)[f"POST {path}"]["requestBody"]["content"]["application/json"]
    validator = Draft202012Validator({**body["schema"], "components": document["components"]})
    forbidden: list[Json] = [
        {"content": ""},
        {"role": 5},
        {"role": ""},
        {"role": "x" * 65},
        {"messages": []},
        {"messages": [{"role": "user"}], "extra": 1},
        {"role": "user", "content": "", "id": 1.5},
    ]
    for message in forbidden:
        assert not validator.is_valid(message)
        assert (await api.post("/sessions/s/messages", message)).status_code == 400


async def test_entries_are_told_apart_by_their_kind(document: Json) -> None:
    schemas = document["components"]["schemas"]
    sent = {"message", "record", "rewind", "settings", "switch"}
    shown = sent | {"compaction", "turn", "approval", "decision", "usage"}
    for name, kinds in (("LogPageOut", shown), ("LogIn", sent)):
        entries = schemas[name]["properties"]["entries"]["items"]
        assert entries["discriminator"]["propertyName"] == "kind"
        assert set(entries["discriminator"]["mapping"]) == kinds


async def test_a_patch_is_a_merge_patch_too(api: Api, document: Json) -> None:
    content = operations(document)[f"PATCH {SESSION}"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/merge-patch+json"}
    await api.say("s", "hello")
    for content_type in content:
        headers = {"Content-Type": content_type}
        answer = await api.call("PATCH", "/api/v1/sessions/s", data=b"{}", headers=headers)
        assert answer.status_code == 200


async def test_a_body_is_required_where_none_is_refused(api: Api, document: Json) -> None:
    await api.say("s", "hello")
    for operation, described in operations(document).items():
        if "requestBody" in described:
            method, path = operation.split()
            named = path.format(session_id="s", approval_id="a", message_id="d")
            answer = await api.call(method, named, headers={"Turn": "1"})
            refused = answer.status_code == 400
            assert described["requestBody"]["required"] == refused, operation


async def test_a_cursor_looks_as_the_document_says(api: Api, document: Json) -> None:
    for session_id in ("one", "two"):
        await api.say(session_id, "hello")
    page = await (await api.get("/sessions?limit=1")).get_json(force=True)
    parameters = operations(document)["GET /api/v1/sessions"]["parameters"]
    (cursor,) = (parameter for parameter in parameters if parameter["name"] == "cursor")
    validator = Draft202012Validator(cursor["schema"])
    assert validator.is_valid(page["next_cursor"])
    assert not validator.is_valid("")


async def test_the_page_loads_nothing_from_elsewhere(api: Api) -> None:
    page = await (await api.call("GET", "/docs")).get_data(as_text=True)
    assert "http" not in page.replace('charset="utf-8"', "")
    for part in page.split('"'):
        if part.startswith("/"):
            assert (await api.call("GET", part)).status_code == 200, part
