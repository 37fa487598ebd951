"""What an error says: RFC 9457's members, and `error`, which repeats `detail`."""

import json
from http import HTTPStatus

MIMETYPE = "application/problem+json"


def problem_body(status: int, detail: str) -> bytes:
    """The JSON of a problem, also for answers that are given before there is an app."""
    return json.dumps(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": int(status),
            "detail": detail,
            "error": detail,
        }
    ).encode()
