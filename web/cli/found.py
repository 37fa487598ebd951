"""`search`: what was found, or JSON."""

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Protocol

import click

from persistence import open_reader
from runtime import (
    Found,
    HitPage,
    HitPosition,
    InvalidInput,
    Row,
    Sought,
    Wanted,
    found_in,
)
from runtime import sought as sought_for
from web.cli.exits import exit_codes
from web.cli.settings import COUNT, database

PAGE = 100
"""Hits that are read at a time."""


class Searched(Protocol):
    """An index that is only looked at."""

    def search(self, sought: Sought, limit: int, after: HitPosition | None = None) -> HitPage: ...

    def lags(self) -> bool: ...


class Reader(Protocol):
    """Whatever can be searched."""

    @property
    def index(self) -> Searched: ...

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]: ...


def print_found(reader: Reader, sought: Sought, limit: int, *, as_json: bool) -> None:
    """The newest hits, a few lines each, or a JSON object per line. Raises `StoreError`."""
    count = 0
    after: HitPosition | None = None
    while count < limit:
        page = reader.index.search(sought, min(PAGE, limit - count), after)
        for found in found_in(reader, page, sought.terms):
            _print_json(found) if as_json else _print_lines(found)
            count += 1
        after = page.next
        if after is None:
            break
    if not as_json:
        click.echo(f"{count} found" if after is None else f"the newest {count}; --limit shows more")
    if reader.index.lags():
        click.echo(
            "agent-runtime: what was written last is not indexed yet: a service does so while it "
            "has the database open",
            err=True,
        )


def _print_json(found: Found) -> None:
    members = {
        "session_id": found.session_id,
        "title": found.title,
        "seq": found.seq,
        "role": found.role,
        "snippet": found.snippet,
        "at": found.at,
    }
    click.echo(json.dumps({name: value for name, value in members.items() if value is not None}))


def _print_lines(found: Found) -> None:
    who = "title" if found.role is None else _line(found.role)
    click.secho(f"{_line(found.session_id)} #{found.seq} {who}  {found.at}", bold=True)
    if found.title is not None and found.role is not None:
        click.echo(f"  {_line(found.title)}")
    click.echo(f"  {_line(found.snippet)}")
    click.echo()


def _line(text: str) -> str:
    """Keeps text from steering the terminal, and on its line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@click.command()
@click.argument("query", metavar="QUERY")
@database
@click.option("--role", help="Only messages of this role.")
@click.option("--prefix", default="", help="Only sessions whose id begins so.")
@click.option("--since", metavar="TIME", help="Only what was written then or later, ISO 8601.")
@click.option("--until", metavar="TIME", help="Only what was written before.")
@click.option("--limit", type=COUNT, default=20, show_default=True, help="Only the newest ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def search(query: str, db: str, limit: int, as_json: bool, **among: Any) -> None:
    """Finds messages and titles that have all words of QUERY, the newest first.

    Words, "words that follow each other", and beginnings*. Works beside a running service.
    """
    try:
        wanted = sought_for(query, **among)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    with exit_codes(), closing(open_reader(db)) as reader:
        print_found(reader, wanted, limit, as_json=as_json)
