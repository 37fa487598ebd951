"""Examples, and code in documents, run as they stand, beside a service."""

import os
import re
import subprocess
import sys

from tests.frameworks.about import ROOT

FRAMEWORKS = "docs/frameworks.md"

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(heading: str, document: str = FRAMEWORKS) -> list[str]:
    """The Python code in a section, whose heading is of the second level."""
    text = (ROOT / document).read_text(encoding="utf-8")
    [_, section] = f"\n{text}".split(f"\n## {heading}\n")
    return _BLOCK.findall(section.partition("\n## ")[0])


def run_block(code: str, url: str) -> str:
    """What a block prints. It has to end well."""
    return _run("-W", "error", "-c", code, url=url)


def run_example(name: str, url: str) -> str:
    """What `examples/<name>.py` prints. It has to end well."""
    return _run(f"examples/{name}.py", url=url)


def _run(*arguments: str, url: str) -> str:
    environment = {**os.environ, "AGENT_RUNTIME_URL": url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
