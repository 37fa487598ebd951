"""What the document and the example show, as it stands."""

from tests.frameworks.google_adk.about import ABOUT
from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_block, run_example


def test_the_documents_code_runs(service: Served) -> None:
    [block] = blocks(ABOUT.title)
    assert run_block(block, service.url) == "{'user:name': 'Ann'} hello\n"


def test_the_example_goes_on_with_its_conversation(service: Served) -> None:
    assert run_example("google_adk", service.url).splitlines() == [
        "seller: I was sent 1 messages.",
        "{'last_answer': 'I was sent 1 messages.'}",
    ]
    service.restart()
    assert run_example("google_adk", service.url).startswith("seller: I was sent 3 messages.")
