"""What the document shows runs as it stands."""

from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_block


def test_the_documents_code_reads_a_run(service: Served) -> None:
    [block] = blocks("AG-UI")
    events = run_block(block, service.url).split()
    assert events == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
