"""The SDK's own tests in which a session is made, on ours and then on its own.

`python -m tests.frameworks.openai_agents.suite REPORTS`. They are in its source distribution, which
pip downloads. What is left out of them, and why: `plugin/left_out.py`.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.frameworks.openai_agents.plugin.chosen import FILE
from tests.frameworks.served import serving

FILES = (
    "tests/deferred_session_writes",
    *(f"tests/memory/test_{name}.py" for name in ("session", "session_limit")),
    *(f"tests/memory/test_compaction_{name}.py" for name in ("model_visibility", "suffix")),
    "tests/memory/test_openai_responses_compaction_session.py",
    "tests/extensions/memory/test_encrypt_session.py",
    "tests/sandbox/test_memory.py",
    "tests/test_agent_runner.py",
    "tests/test_agent_runner_streamed.py",
    "tests/test_cancel_streaming.py",
    "tests/test_handoff_history_duplication.py",
    "tests/test_hitl_session_scenario.py",
    "tests/test_invalid_final_output_handler.py",
    "tests/test_max_turns.py",
    "tests/test_native_tool_failure_history.py",
    "tests/test_programmatic_tool_calling.py",
    "tests/test_prompt_cache_key.py",
    "tests/test_run_impl_resume_paths.py",
    "tests/test_run_state_pending_input.py",
    "tests/test_runner_guardrail_resume.py",
    "tests/test_runner_tracing_disabled.py",
    "tests/test_runtime_symmetry_contract.py",
    "tests/test_soft_cancel.py",
    "tests/test_tool_batch_failure_history.py",
    "tests/test_tool_failure_boundaries.py",
    "tests/utils/test_simple_session.py",
)
"""Those that name `SQLiteSession`, or the list that stands for a session in tests of runs; but not
those about subclasses of the first, which have tables of their own, and about the SDK's logs."""

PLUGINS = Path(__file__).with_name("plugin")


def main(reports: Path) -> int:
    """Returns 1 if a test failed on our session."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = downloaded(folder)
        with serving(folder) as service:
            all_of_them = folder / "all.xml"
            run(source, all_of_them, "in_place", {"AGENT_RUNTIME_URL": service.url})
        tests = kept(all_of_them, reports / "ours.xml")
        chosen = folder / "chosen.txt"
        chosen.write_text("\n".join(tests))
        run(source, reports / "peer.xml", "chosen", {FILE: str(chosen)})
    return any(failed for failed in tests.values()) or not tests


def downloaded(folder: Path) -> Path:
    """The source distribution of the version that is installed, unpacked."""
    wanted = f"openai-agents=={version('openai-agents')}"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    subprocess.run(
        [*pip, "--no-binary", ":all:", "--no-deps", "--dest", folder, wanted], check=True
    )
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    [unpacked] = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def run(source: Path, report: Path, plugin: str, environment: dict[str, str]) -> None:
    """Runs the tests with a plugin of ours. Their own settings hold."""
    pytest = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short"]
    subprocess.run(
        [*pytest, "-p", "no:cacheprovider", "-p", plugin, "--junit-xml", str(report), *FILES],
        cwd=source,
        # Not ours: `tests` is theirs here.
        env={**os.environ, "PYTHONPATH": str(PLUGINS), **environment},
        check=False,
    )


def kept(report: Path, to: Path) -> dict[str, bool]:
    """Writes a report of those alone that made one of our sessions, and tells which failed."""
    cases: dict[str, ET.Element] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 -- pytest has written it
        for told in case.iter("property"):
            if told.get("name") == "session":
                cases[told.get("value", "")] = case
    failed = {
        name: any(case.find(tag) is not None for tag in ("failure", "error"))
        for name, case in cases.items()
    }
    counts = {"tests": len(cases), "failures": sum(failed.values()), "errors": 0, "skipped": 0}
    suite = ET.Element("testsuite", {name: str(count) for name, count in counts.items()})
    suite.extend(cases.values())
    ET.ElementTree(suite).write(to)
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
