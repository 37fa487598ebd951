"""A rule in HAProxy or nginx holds: what it keeps out does not come in under another name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from persistence import MemoryStore
from runtime import open_runtime
from tests.web.http.packets import get
from tests.web.http.proxies import (
    HAPROXY,
    NGINX,
    Kind,
    Proxy,
    each_proxy,
    haproxy_that_checks,
    needs_haproxy,
)
from tests.web.serving import Served, open_server
from web import create_app

TRASH = b"/api/v1/trash"
SESSION = b"/api/v1/sessions/kept"
PURGE = b"?purge=true"

RULES = {
    HAPROXY: f"""
    http-request deny if {{ method DELETE }}
    http-request deny if {{ path_beg {TRASH.decode()} }}
""",
    NGINX: f"""
    if ($request_method = DELETE) {{ return 403; }}
    location {TRASH.decode()} {{ return 403; }}
""",
}
"""Nothing is deleted from outside, and nobody out there sees what was."""

METHODS = [
    *(b"DELETE", b"delete", b"Delete", b"DELETe", b" DELETE", b"\r\nDELETE", b"DELETE\t"),
    *(b"DELETE ", b"XDELETE", b"DELETE,GET", b"GET\r\nDELETE", b"\x0bDELETE"),
]

PATHS = [
    *(b"/api/v1/trash", b"/api/v1/trash?limit=9", b"/api/v1/trash/", b"//api/v1/trash"),
    *(b"/api//v1/trash", b"/api/v1//trash", b"/api/v1/./trash", b"/x/../api/v1/trash"),
    *(b"/../api/v1/trash", b"/api/v1/sessions/../trash", b"/api/v1/x/..//trash"),
    *(b"/api/v1/sessions/..%2ftrash", b"/%61pi/v1/trash", b"/api/v1/%74rash"),
    *(b"/api/v1/%74%72%61%73%68", b"/api%2fv1%2ftrash", b"/api/v1/%2e/trash"),
    *(b"/api/v1/%2e%2e/v1/trash", b"/x/%2E%2E/api/v1/trash", b"/API/v1/trash", b"/api/v1/Trash"),
    *(b"/api/v1/trash%00", b"/api/v1/trash%20", b"/api/v1/trash;x", b"/api/v1;x/trash"),
    *(b"/api/v1/trash#x", b"/#/../api/v1/trash", b"/api/v1/x/#/../../trash", b"\\api\\v1\\trash"),
    *(b"/api/v1\\trash", b"/api/v1/%2574rash", b"/api/v1/%u0074rash", b"/api/v1/tr\xc3\xa1sh"),
    *(b"http://localhost/api/v1/trash", b"http://localhost//api/v1/trash"),
    *(b"HTTP://localhost/api/v1/trash", b"http://localhost/x/../api/v1/trash"),
    *(b"http://localhost", b"api/v1/trash", b"?/api/v1/trash", b"*/api/v1/trash"),
    *(b"/health/../api/v1/trash", b"/health?/../api/v1/trash"),
]

INSTEAD = (
    *(b"X-HTTP-Method-Override: DELETE", b"X-HTTP-Method: DELETE", b"X-Method-Override: DELETE"),
    *(b"X-Original-URL: " + TRASH, b"X-Rewrite-URL: " + TRASH, b"X-Forwarded-Prefix: " + TRASH),
)
"""What some frameworks take for the request, whatever its own head says."""


DELETED = "thrown-away"


@asynccontextmanager
async def service_behind(kind: Kind) -> AsyncIterator[tuple[Served, Proxy]]:
    """With one session that is there, and one in the trash."""
    async with open_runtime(MemoryStore()) as runtime:
        await runtime.create_session("kept")
        await runtime.create_session(DELETED)
        async with (
            open_server(create_app(runtime)) as served,
            kind.before(served.port, rules=RULES.get(kind, "")) as proxy,
        ):
            assert (await served.ask("DELETE", f"/api/v1/sessions/{DELETED}")).status == 204
            yield served, proxy


@each_proxy
async def test_where_deleting_is_denied_nothing_is_deleted(kind: Kind) -> None:
    requests = [get(SESSION + query, method=name) for name in METHODS for query in (b"", PURGE)]
    requests += [
        get(SESSION + b"?_method=DELETE", *INSTEAD, method=name) for name in (b"GET", b"POST")
    ]
    async with service_behind(kind) as (served, proxy):
        for request in requests:
            await proxy.exchange(request)
        assert (await served.ask("GET", SESSION.decode())).status == 200


@each_proxy
async def test_a_path_that_is_denied_is_reached_by_no_other_spelling(kind: Kind) -> None:
    requests = [get(path) for path in PATHS] + [
        get(b"/api/v1/sessions", *INSTEAD),
        get(b"/", *INSTEAD),
    ]
    async with service_behind(kind) as (served, proxy):
        answers = [await proxy.exchange(request) for request in requests]
        assert DELETED in (await served.ask("GET", TRASH.decode())).body.decode()
    assert [request for request, answer in zip(requests, answers, strict=True) if not answer] == []
    assert [answer for answer in answers if DELETED.encode() in answer] == []


OF_200 = b"succeeded, reason: Layer7 check passed, code: 200"


@needs_haproxy
@pytest.mark.parametrize(
    ("how", "found"),
    [
        (b"option httpchk GET /health", OF_200),
        (b"option httpchk HEAD /api/v1/health", OF_200),
        (b"option httpchk OPTIONS /health", b"succeeded, reason: Layer7 check passed, code: 204"),
        (b"option httpchk GET /metrics", b"failed, reason: Layer7 wrong status, code: 400"),
        (
            b"option httpchk\n    http-check send meth GET uri /health hdr Host localhost",
            OF_200,
        ),
        (
            b"option httpchk\n    http-check send meth GET uri /health ver HTTP/1.1 hdr Host [::1]",
            OF_200,
        ),
    ],
    ids=["as it is", "HEAD", "OPTIONS", "elsewhere", "HTTP/1.0", "HTTP/1.1"],
)
async def test_a_check_of_haproxy_is_answered_and_needs_a_host_elsewhere(
    how: bytes, found: bytes
) -> None:
    async with service_behind(haproxy_that_checks(how.decode())) as (_, proxy):
        log = await proxy.first_check()
    assert found in log
