"""The example, and the code in the document, run as they stand."""

import httpx

from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_block, run_example


def test_the_example_goes_on_after_the_service_was_killed(service: Served) -> None:
    first = run_example("openai_agent", service.url)
    service.restart()
    second = run_example("openai_agent", service.url)
    assert first == "0 items were known. The agent says: It is in Kiel.\n"
    assert second == "4 items were known. The agent says: It is in Kiel.\n"


def test_the_documents_code_runs_as_it_stands(service: Served) -> None:
    [block] = blocks("OpenAI Agents SDK")
    assert run_block(block, service.url) == "It is in Kiel.\n"
    history = httpx.get(f"{service.url}/api/v1/sessions/my-session-123/history").json()
    assert [one["content"] for one in history["messages"]] == [
        "Where is parcel 7?",
        "It is in Kiel.",
    ]
