"""For Schemathesis, which reads this file by itself: JSON lines; a schema describes one of them."""

import json
from typing import Any

import schemathesis

HEADING = b'{"format":"agent-runtime","session_id":"from-a-file"}\n'


@schemathesis.serializer("application/jsonl")
def lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """Behind a first line that is right, so that entries are looked at."""
    return HEADING + json.dumps(value).encode()


@schemathesis.deserializer("application/jsonl")
def first_line(_: schemathesis.DeserializationContext, response: Any) -> Any:
    return json.loads(response.content.splitlines()[0])
