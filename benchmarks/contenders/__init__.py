"""The libraries and designs that are compared, one process each.

- `ours`            the runtime, in either durability; and SQLite and nothing else: the disk's limit
- `libraries`       OpenAI Agents SDK, LangGraph, Google ADK
- `guide`           the guide's design, in the process and over HTTP, and databases of it
- `adapters`        a framework's sessions, in its own store or in ours
- `protocol`        what a contender can do, and how it is driven

Peers run in an environment of their own, without this package's dependencies. So what they import
from here, `protocol` and `benchmarks.workload`, needs the standard library alone; adapters need
more.
"""
