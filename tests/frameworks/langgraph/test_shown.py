"""What is shown to users runs as it stands."""

from tests.frameworks.langgraph.graphs import history
from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_block, run_example


def test_the_example_asks_is_answered_and_is_in_the_log(service: Served) -> None:
    assert run_example("langgraph_thread", service.url).splitlines() == [
        "asked: May I delete_file old.txt?",
        "answered: Done.",
        "user: Tidy up, please.",
        "assistant: I tidy up.",
        "tool: deleted",
        "assistant: Done.",
    ]


def test_the_documents_code_holds_a_conversation(service: Served) -> None:
    [code] = blocks("LangGraph")
    assert run_block(code, service.url) == "Hi, Ada.\n"
    assert history(service.url, "my-session-123") == [
        ("user", "I am Ada."),
        ("assistant", "Hi, Ada."),
    ]
