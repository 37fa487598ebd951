"""11. Schemathesis: no answer is a 5xx, and none is outside of the OpenAPI document.

All of its phases (examples, coverage, fuzzing, and stateful: chains of calls that use each other's
answers), and all of its checks but one. The seed is fixed.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.campaign import Effort, Report
from tests.service import running

PROGRAM = Path(sys.executable).with_name("schemathesis")
HOOKS = Path(__file__).with_name("json_lines.py")
SEED = 3

SETTINGS = """
# Whether a session is in the state that a head names, only the session knows; and what an entry may
# be, too, where that depends on it: then the head is judged first.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 429, "5xx"]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 415, 422, 428, 429, "5xx"]

# A deleted session is there again as soon as somebody appends to it: the IDE invents its ids.
[checks.use_after_free]
enabled = false

# What it asks for is pending as often as not, and would be waited for.
[[operations]]
include-name = "GET /api/v1/sessions/{session_id}/approvals/{approval_id}"
parameters = { wait = 0.1 }
"""

KNOWN_BETTER_THAN_BY_A_SCHEMA = (
    "GET /api/v1/sessions",
    "GET /api/v1/trash",
    "GET /api/v1/approvals",
    "GET /api/v1/usage",
    "GET /api/v1/search",
    "GET /api/v1/sessions/{session_id}/approvals",
    "GET /api/v1/sessions/{session_id}/messages",
    "GET /api/v1/sessions/{session_id}/log",
    "GET /api/v1/sessions/{session_id}/records",
    "POST /api/v1/sessions/{session_id}/messages",
    "POST /api/v1/sessions/{session_id}/records",
    "POST /api/v1/sessions/{session_id}/log",
    "POST /api/v1/sessions/{session_id}/rewind",
    "POST /api/v1/sessions/{session_id}/fork",
    "POST /api/v1/sessions/{session_id}/drafts/{message_id}",
    "POST /api/v1/sessions/{session_id}/compactions",
    "POST /api/v1/sessions/{session_id}/usage",
    "POST /api/v1/import",
    "POST /api/v1/sessions/{session_id}/redact",
    "GET /api/v1/sessions/{session_id}/usage",
    "GET /api/v1/sessions/{session_id}/timeline",
    "GET /ai/chat/{session_id}",
    "POST /ai/chat/{session_id}",
)
"""Operations that may refuse what their schema allows, with 400 or 412.

Whether a cursor was given out, and a query has a word, only the service knows, and whether a
session is new, so that its id must have no control characters; how long a log is, and which one
it is, only the session; and a record's body, or which members have to be there together, no
schema says without becoming obscure. And an offset is not written 11.0.
"""

OPERATION = """
[[operations]]
include-name = "{name}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 304, 400, 404, 409, 412]
"""

STREAMS = """
[[operations]]
include-path-regex = "/events$"
request-timeout = 1.0
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404]

[[operations]]
include-path-regex = "^/ai/chat$|/stream$|^/ag-ui/"
request-timeout = 1.0
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 409, 412]
"""
"""They do not end: each is read for so many seconds, and judged by what has come. As above, which
places there are only the service knows."""

PHASES = ("examples", "coverage", "fuzzing", "stateful")
QUICK_PHASES = ("examples", "fuzzing", "stateful")
"""Coverage asks some 1,500 times, however few examples are wanted."""


def run(effort: Effort) -> Report:
    report = Report()
    settings, result = effort.folder / "settings.toml", effort.folder / "result.json"
    exempt = "".join(OPERATION.format(name=name) for name in KNOWN_BETTER_THAN_BY_A_SCHEMA)
    settings.write_text(f'hooks = "{HOOKS.as_posix()}"\n{SETTINGS}{exempt}{STREAMS}')
    phases = QUICK_PHASES if effort.quick else PHASES
    with running(effort.folder) as service:
        ended = subprocess.run(
            [
                *(str(PROGRAM), "--config-file", str(settings)),
                *("run", f"{service.url}/openapi.json"),
                *("--checks", "all", "--seed", str(SEED), "--continue-on-failure", "--no-shrink"),
                *("--phases", ",".join(phases)),
                *("--max-examples", str(effort.of(full=40, quick=2))),
                *("--generation-database", "none", "--no-color"),
                # How quickly it makes its requests is the machine's affair.
                *("--suppress-health-check", "too_slow"),
                *("--report", "json", "--report-json-path", str(result)),
            ],
            capture_output=True,
            text=True,
            cwd=effort.folder,
            timeout=500,
            check=False,
        )
        report.expect(service.process.poll() is None, "the service has ended")
        report.expect(service.end() == 0, "the service did not end in order")
    if not result.exists():
        report.violations.append(f"schemathesis failed: {ended.stdout}{ended.stderr}"[-2_000:])
        return report
    _take_over(json.loads(result.read_text()), phases, ended, report)
    return report


def _take_over(
    result: dict[str, Any],
    phases: Sequence[str],
    ended: subprocess.CompletedProcess[str],
    report: Report,
) -> None:
    operations = result["operations"]
    report.count("operations", operations["tested"])
    report.count("generated requests", result["test_cases"]["generated"])
    report.expect(operations["tested"] == operations["total"], f"not all were tested: {operations}")
    for phase in phases:
        status = result["phases"][phase]["status"]
        report.figures[f"phase {phase}"] = status
        # Examples are skipped where a document gives none for whole requests, as ours.
        ran = status in {"success", "failure"} or phase == "examples"
        report.expect(ran, f"the phase {phase} did not run: {status}")
    for failure in result["failures"]:
        report.violations.append(f"{failure['title']}: {', '.join(failure['operations'])}")
    report.violations += [f"error: {error}" for error in result["errors"]]
    if ended.returncode != 0 and not report.violations:
        report.violations.append(f"schemathesis failed: {ended.stdout[-2_000:]}")
    if report.violations:
        report.figures["schemathesis says"] = ended.stdout[-4_000:]
