"""Google's Agent Development Kit: AgentRuntimeSessionService, sessions as its Runner wants them.

An event with content is a message of the session's log, any other a record. What the state's keys
are is kept in records, a key each, so that writers of different keys do not undo each other.

A map, in the order in which one file may import another:

- `places`    which sessions keep what
- `events`    an event as an entry of a log
- `state`     a state's keys as records
- `stored`    what is read and written, each step once, by whoever waits
- `sessions`  AgentRuntimeSessionService
"""

from web.clients.google_adk.sessions import AgentRuntimeSessionService

__all__ = ["AgentRuntimeSessionService"]
