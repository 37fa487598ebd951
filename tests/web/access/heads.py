"""Heads of requests, and how they are judged: no server, no app."""

import json
from typing import Any

from attrs import field, frozen

from web import Guard
from web.http.message import Headers, Request

TOKEN = "0123456789abcdef"  # noqa: S105
EVIL = "http://evil.example"
IDE = "vscode-webview://1a2b3c"
JSON = ("Content-Type", "application/json")


class Unread:
    """The rules look at heads alone: this body fails whoever asks for it."""

    announced = None

    async def receive(self) -> bytes:
        raise AssertionError("the body was asked for")


def request(
    *lines: tuple[str, str],
    method: str = "GET",
    path: str = "/api/v1/sessions",
    host: str | None = "localhost:8001",
) -> Request:
    """A request with these lines behind its `Host`."""
    hosts = [] if host is None else [("Host", host)]
    return Request(method=method, path=path, headers=Headers([*hosts, *lines]), body=Unread())


@frozen
class Judged:
    """What the rules say to a request: a status, or `None` if it comes in."""

    status: int | None
    headers: dict[str, str] = field(factory=dict)
    detail: str = ""


def judge(guard: Guard | None, *lines: tuple[str, str], **head: Any) -> Judged:
    answer = (guard or Guard()).check(request(*lines, **head))
    if answer is None:
        return Judged(None)
    assert isinstance(answer.body, bytes)
    headers = {name.lower(): value for name, value in answer.headers}
    if not answer.body:
        return Judged(int(answer.status), headers)
    assert headers["content-type"] == "application/problem+json"
    return Judged(int(answer.status), headers, json.loads(answer.body)["detail"])


def status(guard: Guard | None, *lines: tuple[str, str], **head: Any) -> int | None:
    return judge(guard, *lines, **head).status
