"""The table: what is measured, suite by suite, and what has to come out of it.

A work's docstring says what it measures. A budget is a promise of speed, as a ratio within one run.
Absolute promises are made only where a person waits, and they are generous. Where something has to
stay as it is, whatever the size, the limit is the noise that is let pass: 1.3 for what an append
takes and writes, 1.1 for the memory after the start.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from benchmarks.adapters import adapters
from benchmarks.any_length import any_length
from benchmarks.appends import many_callers, one_caller, pages, rich, stages
from benchmarks.bench import Suite
from benchmarks.compare import history, long_list, posts, unchanged_history
from benchmarks.contexts import contexts
from benchmarks.growth import large_databases, latency, written
from benchmarks.layouts import layouts
from benchmarks.neighbours import append_beside_limits, stalls
from benchmarks.nodes import (
    append_on_stores,
    appends_of_nodes,
    batches_on_stores,
    fenced,
    forwarded,
    moving,
)
from benchmarks.peers import in_process
from benchmarks.results import Budget
from benchmarks.search import append_indexed, searches
from benchmarks.sessions import activation, listing, memory, passivation
from benchmarks.streams import (
    append_beside_subscribers,
    draft_delta,
    event_latency,
    idle_subscribers,
    one_entry_to_many,
    resume,
)
from benchmarks.wire import (
    first_answers,
    idle_connections,
    over_http,
    posts_of_many,
    short_histories,
    unchanged_short_history,
)
from benchmarks.writes import batches, bulk, forks, shutdown

_SUITES = (
    Suite("runtime", 5, one_caller, many_callers, pages, rich, activation, passivation, memory,
          listing, bulk, batches, forks, stages, shutdown),
    Suite("growth", 5, latency, written, large_databases),
    Suite("any_length", 3, any_length),
    Suite("layouts", 3, layouts),
    Suite("compare", 5, history, posts, unchanged_history, long_list, unchanged_short_history,
          first_answers, idle_connections),
    Suite("limits", 5, append_beside_limits),
    Suite("stalls", 3, stalls),
    Suite("streams", 3, append_beside_subscribers, event_latency, one_entry_to_many,
          idle_subscribers, resume, draft_delta),
    Suite("nodes", 3, fenced, append_on_stores, batches_on_stores, forwarded, appends_of_nodes,
          moving),
    Suite("contexts", 5, contexts),
    Suite("search", 3, searches, append_indexed),
    Suite("peers", 5, in_process, over_http, short_histories, posts_of_many),
    Suite("adapters", 3, adapters),
)  # fmt: skip
"""Each with how many rounds are usual, and its works."""
SUITES: Mapping[str, Suite] = MappingProxyType({suite.name: suite for suite in _SUITES})
"""By name, in the order in which they run and are reported."""
WITH_PEERS = frozenset({"peers", "adapters"})
"""Those that need the peers' environment."""

_BUDGETS = """
append_snapshot (runtime) embedded append, `snapshot`
    ≤ 3 × a bare trio memory-channel ask and reply
append_commit_thread (runtime) embedded append, `commit`, one caller
    ≤ 1.15 × one bare SQLite FULL commit of a row through `trio.to_thread.run_sync`
append_commit (runtime) the same
    ≤ 2.5 × one bare SQLite FULL commit of a row
append_pages (runtime) the same, with its client's id: pages written to the WAL
    ≤ 5 pages
append_commit_64 (runtime) the same, 64 sessions at once
    ≥ 8 × one caller's rate
append_commit_64_bare (runtime) the same, 64 sessions at once
    ≥ 0.75 × the rate of bare SQLite that commits 64 rows at a time
append_64_openai (peers) the same, 64 sessions at once
    ≥ 4 × OpenAI `SQLiteSession` under the same 64
append_rich (runtime) append of a message with parts and reasoning
    ≤ 1.2 × of a plain one of as many bytes
append_long (growth) append into a session of 100,000 messages
    ≤ 1.3 × into an empty one
bytes_long (growth) bytes written per append into a session of 100,000 messages
    ≤ 1.3 × into an empty one
append_guide_commit (peers) append at 5,000 messages, `commit`
    ≥ 30 × the guide's design
append_guide_snapshot (peers) append at 5,000 messages, `snapshot`
    ≥ 500 × the guide's design
activation (runtime) activation of a 1,000-message session
    ≤ 1.3 × reading the same rows with bare sqlite3
memory (runtime) memory of an idle active session
    ≤ 1 × what is allowed, that is ≤ 8 KB + 1.2 × its resident JSON
long_activation (any_length) activation of a session of 1 GB, 100,000 messages
    ≤ 5 × of one of 1,000 messages of the same size
long_memory (any_length) memory that it takes then
    ≤ 4 MiB
long_last (any_length) its last 50 messages over HTTP, when it is not in memory, or the process
    is new
    ≤ 0.1 s
long_history (any_length) its whole history over HTTP: memory of the service, also with a slow
    reader
    ≤ 50 MB more than before
start (growth) start with 1,000,000 stored sessions: first answer
    ≤ 1 s
start_memory (growth) memory after the start with 1,000,000 stored sessions
    ≤ 1.1 × with none
list_growth (growth) list of 50 sessions with 1,000,000 stored ones
    ≤ 1.5 × with 1,000
bulk (runtime) bulk writes through the persister
    ≥ 0.7 × bare `executemany` at the same batch size
batch_time (runtime) batches of 1,000 sessions, one message each
    ≤ 1 × the time of schema 1
batch_pages (runtime) the same: pages written to the WAL
    ≤ 1 × those of schema 1
fork (runtime) fork of a session of 100,000 messages
    ≤ 2 × a bare `INSERT ... SELECT` of as many rows
history_3 (compare) `GET history`, 3 messages
    ≥ 0.85 × a bare Quart-Trio route's rate on Hypercorn
history_3_hypercorn (compare) the same, the service on Hypercorn
    ≥ 0.85 × a bare Quart-Trio route's rate on Hypercorn
history_3_guide (peers) the same, 16 clients, one core each
    ≥ 2.5 × the guide's design
history_3_uvicorn (peers) the same
    ≥ 0.6 × a bare ASGI app on uvicorn (uvloop, httptools) that sends as many bytes
history_3_trio (peers) the same
    ≥ 0.4 × bare trio and httptools that send as many bytes
not_modified (compare) the same, 304 to `If-None-Match`
    ≥ 1.1 × without it
history_1000 (peers) `GET history`, 1,000 messages
    ≥ 10 × the guide's design
list_1000 (peers) `GET /sessions`, 1,000 sessions
    ≥ 8 × the guide's design
post_64 (compare) `POST messages`, `commit`, 64 clients
    ≥ 0.7 × a bare Quart-Trio POST route that reads and decodes the same body
post_64_guide (peers) the same, each to a session of 100 messages, one core each
    ≥ 8 × the guide's design
post_guide (peers) one such `POST`: its latency
    ≤ 0.5 × the guide's design
list_first_byte (compare) `GET /sessions` with 100,000 sessions: first byte
    ≤ 0.1 s after the request
list_bystanders (compare) p99 of other requests meanwhile
    ≤ 2 × their p99 without it
first_answer (compare) start to first answer, with no sessions
    ≤ 0.5 s
idle_connection (compare) memory of an idle connection
    ≤ 12 KB
stalls (stalls) longest answer of `/health` beside any legal request of 16 MiB
    ≤ 0.05 s above the longest one of the idle service
append_beside_limits (limits) others' append, p99, while one session is patched, filled and listed
    at its limits
    ≤ 2 × its p99 alone
append_followed (streams) append, p99, 20 a second to one session, with 100 subscribers
    ≤ 1.5 × with none
event_latency (streams) from an append's commit to the event at a subscriber, p99
    ≤ 1 × two bare trio round trips over loopback and 1 ms
idle_subscriber (streams) memory of an idle subscriber, of 1,000
    ≤ 16 KB
resume (streams) `GET resume` of a session of 1,000 messages, the last 50
    ≤ 1.5 × `GET messages?last=50`
draft_delta (streams) a draft's delta, embedded
    ≤ 1.5 × a bare trio memory-channel ask and reply
fence (nodes) a commit of one message to PostgreSQL, fenced
    ≤ 1.15 × without the fence
append_postgres (nodes) embedded append, `commit`, through one node on PostgreSQL
    ≤ 2.5 × on SQLite
batches_postgres (nodes) batches of 1,000 sessions, one message each, on PostgreSQL
    ≥ 0.5 × the rate on SQLite
forwarded (nodes) `GET history`, 3 messages, at a node that does not own the session
    ≤ 2 ms more than at its owner
nodes_processor (nodes) `POST messages` to three nodes: processor time of an append
    ≤ 1.15 × to one node
move (nodes) entries that move between SQLite and PostgreSQL, the slower way
    ≥ 20000 entries a second
context (contexts) context of a session of 10,000 messages, cut to 100 KB, resident
    ≤ 0.005 s
search (search) a page of 20 hits among 1,000,000 messages, whatever is searched for
    ≤ 0.05 s
append_indexed (search) embedded append, `commit`, 64 sessions, their words indexed
    ≥ 0.95 × the rate without the index
put_langgraph (adapters) LangGraph's `put` and `put_writes` at 1,500 checkpoints of 20 KB, over HTTP
    ≤ 2.5 × its own `SqliteSaver`
put_langgraph_embedded (adapters) the same, embedded
    ≤ 1.2 × its own `SqliteSaver`
latest_langgraph (adapters) its latest checkpoint then, by a client that is new, over HTTP
    ≤ 0.01 s
list_langgraph (adapters) `list(limit=10)` then, over HTTP
    ≤ 0.015 s
add_openai (adapters) OpenAI Agents SDK's `add_items` of 2 at 10,000 items, over HTTP
    ≤ 2.5 × its own `SQLiteSession`
add_openai_embedded (adapters) the same, embedded
    ≤ 1.2 × its own `SQLiteSession`
last_openai (adapters) the last 20 items then, over HTTP
    ≤ 0.005 s
append_adk (adapters) Google ADK's `append_event` at 1,000 events, over HTTP
    ≥ 1 × the rate of its own `DatabaseSessionService`
append_adk_embedded (adapters) the same, embedded
    ≤ 1.2 × the time of its own `DatabaseSessionService`
"""
_BUDGET = re.compile(
    r"(?P<suite>\w+)\) (?P<work>.+?) (?P<best>[≤≥]) (?P<limit>[\d.]+) (?P<of>.+?)"
    r"(?:, that is (?P<words>.+))?"
)


def _budgets(text: str) -> dict[str, Budget]:
    """A line that is indented goes on with the one before."""
    found = {}
    for row in re.sub(r"\n +", " ", text.strip()).split("\n"):
        key, _, rest = row.partition(" (")
        columns = _BUDGET.fullmatch(rest)
        assert columns is not None, f"no budget: {row}"
        values: dict[str, Any] = columns.groupdict()
        found[key] = Budget(**values | {"limit": float(columns["limit"])})
    return found


BUDGETS: Mapping[str, Budget] = MappingProxyType(_budgets(_BUDGETS))
"""By key, in the order in which they are reported."""
