"""Has `wrk` send the requests of a mix that only reads: a generator that is never the bottleneck.

In a closed loop; it knows no other. What came of it, a script tells in JSON.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from itertools import islice

from benchmarks.client import Address
from benchmarks.load.tally import NAMES, Report
from benchmarks.measure import SHARES

PATIENCE = 60
"""Seconds after which a request has failed."""

SAMPLE = 2_000
"""Requests of the mix, from which `wrk` takes each at random."""

ERRORS = ("status", "connect", "read", "write", "timeout")
"""As `wrk` counts them; the first are answers of 400 and above."""

_SCRIPT = """
local paths = {%(paths)s}

request = function()
  return wrk.format("GET", paths[math.random(#paths)])
end

done = function(summary, latency)
  local values = {%(values)s}
  io.write("\\n[" .. table.concat(values, ", ") .. "]")
end
"""
_VALUES = (
    *("summary.duration", "summary.requests", "summary.bytes"),
    *(f"summary.errors.{name}" for name in ERRORS),
    *(f"latency:percentile({100 * share:g})" for share in SHARES if share < 1),
    "latency.max",
)


def is_installed() -> bool:
    """Whether it is there to be used."""
    return shutil.which("wrk") is not None


def drive(
    address: Address,
    requests: Iterable[bytes],
    clients: int,
    seconds: int,
    load: Mapping[str, object],
) -> Report:
    """Sends some of these requests, which have no bodies, at random.

    Raises `SystemExit` if `wrk` does not do it.
    """
    if not is_installed():
        raise SystemExit("wrk is not installed; install it, or leave out --wrk")
    paths = [f'"{request.split(b" ")[1].decode()}"' for request in islice(requests, SAMPLE)]
    headers = [f"{name}: {value}" for name, value in address.headers.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="ascii") as script:
        script.write(_SCRIPT % {"paths": ", ".join(paths), "values": ", ".join(_VALUES)})
        script.flush()
        command = [
            *("wrk", "-s", script.name, "-t", "1", "-c", str(clients), "-d", f"{seconds}s"),
            *("--timeout", f"{PATIENCE}s"),
            *(option for header in headers for option in ("-H", header)),
            address.url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"wrk failed: {done.stderr or done.stdout}")
    took, total, received, *counts = json.loads(done.stdout.splitlines()[-1])
    errors = dict(zip(ERRORS, counts, strict=False))
    successes = total - errors["status"]
    return Report(
        load=load,
        seconds=took / 1e6,
        successes=successes,
        per_second=successes / (took / 1e6),
        latency={
            name: value / 1e6
            for name, value in zip(NAMES.values(), counts[len(ERRORS) :], strict=True)
        },
        errors={what: count for what, count in errors.items() if count},
        sent=None,
        received=received,
        busy=None,
    )
