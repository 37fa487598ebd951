"""What the document and the examples show runs as it stands."""

from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_block, run_example


def test_the_documents_code_keeps_an_answer(service: Served) -> None:
    [block] = blocks("Vercel AI SDK")
    assert run_block(block, service.url) == "It is in Kiel.\n"


def test_the_example_keeps_an_answer(service: Served) -> None:
    assert run_example("vercel_chat", service.url).endswith("assistant: It is in Kiel.\n")
