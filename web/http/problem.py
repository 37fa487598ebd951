"""A refusal as JSON: RFC 9457's `type`, `title`, `status`, `detail`, and `error`.

`error` repeats `detail` for the guide's clients. It is made here for all: servers refuse as well as
endpoints do.
"""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from web.http.message import Response

MIMETYPE = "application/problem+json"


def problem_body(status: int, detail: str, more: Mapping[str, int] | None = None) -> bytes:
    """The JSON of a problem, with members of its own if it has `more`."""
    # The standard library's encoder: it takes any text, also one that UTF-8 cannot say.
    return json.dumps(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": int(status),
            "detail": detail,
            "error": detail,
            **(more or {}),
        }
    ).encode()


def problem(
    status: int,
    detail: str,
    headers: Iterable[tuple[str, str]] = (),
    more: Mapping[str, int] | None = None,
) -> Response:
    """The answer that says so."""
    body = problem_body(status, detail, more)
    return Response(int(status), body, (("Content-Type", MIMETYPE), *headers))
