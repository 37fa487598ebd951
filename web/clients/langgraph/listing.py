"""Checkpoints in their order, the newest first: which ones, and then all that belongs to them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple

from web.clients.langgraph.reading import PAGE, Reader
from web.clients.langgraph.stored import Stored

TOGETHER = 10
"""Checkpoints whose values are fetched in one call: each may be large."""


def listed(
    reader: Reader,
    namespace: str | None,
    wanted: Mapping[str, Any],
    end: str | None,
    limit: int | None,
) -> Iterator[CheckpointTuple]:
    """Those of a thread; or, where its place names one, that one.

    `namespace`: `None`: of all. `wanted`: what their metadata has to say. `end`: only those whose
    ids are before it. `limit`: no more will be taken.
    """
    stored = _candidates(reader, namespace, end, None if wanted else limit)
    while group := list(islice(stored, TOGETHER)):
        if wanted:
            group = [one for one in group if _fits(reader.metadata(one), wanted)]
        if group:
            yield from reader.tuples(group)


def _candidates(
    reader: Reader, namespace: str | None, end: str | None, limit: int | None
) -> Iterator[Stored]:
    only = reader.place.checkpoint_id or None
    if namespace is None:
        found: Iterator[Stored] = iter(reader.all())
    elif only:
        one = reader.wanted()
        found = iter([] if one is None else [one])
    else:
        # Its pages begin where they have to.
        yield from reader.newest_first(namespace, end, min(limit or PAGE, PAGE))
        return
    for one in found:
        if (end is None or one.id < end) and only in (None, one.id):
            yield one


def _fits(metadata: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(metadata.get(name) == value for name, value in wanted.items())
