"""The libraries and designs that are compared, one process each.

A map; each line's file imports only from those further down:

- `over_http`       the guide's app and our service, asked in turn over HTTP
- `comparison`      the works that all do in turn, in the process
- `process`         a contender's process, as the suite drives it
- `ours`            the runtime, in either durability
- `bare_sqlite`     SQLite and nothing else: the disk's limit
- `openai_agents`   OpenAI Agents SDK: `SQLiteSession`
- `langgraph`       LangGraph: `AsyncSqliteSaver`
- `google_adk`      Google ADK: `DatabaseSessionService`
- `guide_design`    the guide's design, in the process
- `guide_app`       the same over HTTP, with FastAPI
- `guide_data`      a database of it, for both services to start with
- `guide_sessions`, `guide_database`   the design itself
- `in_trio`, `in_asyncio`   the event loops
- `protocol`        a line of JSON for each piece of work, a line of JSON back
- `contender`       what a contender can do

Peers run in an environment of their own, without this package's dependencies. So what they import
from here, `protocol`, `contender` and `in_asyncio`, needs the standard library alone, as does
`benchmarks.workload`.
"""
