"""A load generator for a running service on this machine.

Without `--rate`, each client asks again as soon as it is answered: that shows what the service can
do at most. With it, requests come due at that rate whether or not the service keeps up, and their
latency counts from then on, also while all clients are busy: that shows what people would wait. A
service that stalls does not hide it by being asked less meanwhile ("coordinated omission").
"""

import json
import sys
from ipaddress import ip_address
from math import ceil
from pathlib import Path
from typing import Any

import click
import trio
from attrs import asdict

from benchmarks.baselines import encoded
from benchmarks.client import Address
from benchmarks.load import wrk
from benchmarks.load.generator import Load, calibrate, generate
from benchmarks.load.mix import (
    MIXES,
    READING,
    CannotPrepare,
    Requests,
    endless,
    made_up,
    prepare,
)
from benchmarks.load.tally import Report
from benchmarks.workload import transcripts

BUSY = 0.8
"""Share of a core beyond which the generator may have been slower than the service."""

POSITIVE = click.FloatRange(0, min_open=True)


@click.command(
    "python -m benchmarks.load",
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--url", default="http://127.0.0.1:8001", show_default=True, help="The service.")
@click.option(
    "--mix",
    type=click.Choice(list(MIXES)),
    default="chat",
    show_default=True,
    help="chat: mostly appends a message, sometimes reads a history or an agent, or switches the "
    "agent. restore: reads histories and agents. list: reads pages of the list, sometimes all of "
    "it. append: appends messages.",
)
@click.option(
    "--clients", default=64, show_default=True, type=click.IntRange(1), help="Connections."
)
@click.option("--duration", default=30.0, show_default=True, type=POSITIVE, help="Seconds.")
@click.option("--requests", type=click.IntRange(1), help="End after so many, if that is earlier.")
@click.option("--rate", type=POSITIVE, help="Requests per second; if absent, a closed loop.")
@click.option(
    "--sessions",
    default=1_000,
    show_default=True,
    type=click.IntRange(1),
    help="Of the load. They are made first, unless they are there from an earlier one.",
)
@click.option(
    "--transcripts",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of .jsonl files, a message a line, in place of made-up conversations.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The one that the service was started with.",
)
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file for the report, which is printed in any case.",
)
@click.option(
    "--wrk",
    "by_wrk",
    is_flag=True,
    help="Let wrk drive a mix that only reads, also where this would keep up.",
)
@click.option("--calibrate", "calibrating", is_flag=True, help="Find out what this can drive.")
def main(
    url: str,
    folder: Path | None,
    token_file: Path | None,
    output: Path | None,
    *,
    by_wrk: bool,
    calibrating: bool,
    **wanted: Any,
) -> None:
    load = Load(**wanted)
    if calibrating:
        print(calibrate(load.clients))
        return
    suits_wrk = load.mix in READING and not (load.rate or load.requests)
    if by_wrk and not suits_wrk:
        raise click.UsageError("--wrk only reads, in a closed loop, for a time: see --mix restore")
    token = None if token_file is None else token_file.read_text(encoding="ascii").strip()
    address = _local(url, token)
    report = _report(address, load, folder, by_wrk=by_wrk)
    print(report.text())
    if report.busy is not None and report.busy > BUSY:
        print("The generator may have been slower than the service: see --calibrate.")
        if suits_wrk and wrk.is_installed():
            print("So wrk drives the same once more:")
            report = _report(address, load, folder, by_wrk=True)
            print(report.text())
    if output is not None:
        text = json.dumps(asdict(report), indent=1, ensure_ascii=False)
        output.write_text(text + "\n", encoding="utf-8")
    if not report.successes:
        sys.exit("Every request failed: the errors above say how, the service's log may say why.")


def _report(address: Address, load: Load, folder: Path | None, *, by_wrk: bool) -> Report:
    conversations = made_up() if folder is None else transcripts(folder)
    try:
        if load.mix != "append":
            trio.run(prepare, address, load.sessions, conversations)
        bodies = [encoded(message).encode() for messages in conversations for message in messages]
        requests = endless(load.mix, Requests(address, load.sessions, bodies))
        if by_wrk:
            return wrk.drive(address, requests, load.clients, ceil(load.duration), asdict(load))
        return trio.run(generate, address, load, requests)
    except CannotPrepare as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"No service on {address.url}: {error}. Start one with `agent-runtime serve`, or name "
            "the right place with --url."
        ) from error


def _local(url: str, token: str | None) -> Address:
    """Where the service is. Raises `click.UsageError` unless that is on this machine."""
    try:
        address = Address.of(url, token)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not _is_loopback(address.host):
        raise click.UsageError(
            f"{url} is not on this machine; load goes to 127.0.0.1, [::1] and localhost only. Run "
            "the generator where the service runs."
        )
    return address


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main()
