"""What the document and the example show, as it stands."""

from tests.frameworks.agent_framework.about import ABOUT
from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_block, run_example


def test_the_documents_code_runs(service: Served) -> None:
    [block] = blocks(ABOUT.title)
    assert run_block(block, service.url) == "['hello', 'good day']\n"


def test_the_example_goes_on_with_its_conversation(service: Served) -> None:
    assert run_example("microsoft_agent_framework", service.url) == "I was sent 1 messages.\n"
    service.restart()
    assert run_example("microsoft_agent_framework", service.url) == "I was sent 3 messages.\n"
