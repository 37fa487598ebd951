"""Calls that come in steps, done at once: a test that drives none of the steps itself."""

from collections.abc import Sequence
from typing import Any

from runtime.session.asked import calls
from runtime.session.asked.items import Item
from runtime.session.replies import Written
from runtime.session.state import SessionState
from runtime.session.steps import at_once


def append_entries(state: SessionState, items: Sequence[Item], **options: Any) -> Written:
    return at_once(calls.append_entries(state, items, **options))


def put_records(state: SessionState, **options: Any) -> Written:
    return at_once(calls.put_records(state, **options))
