"""The REST service over a runtime.

A map, in the order in which one file may import another:

- `systems`        what differs between operating systems
- `problems`       one table: error to status
- `paths`          ids in paths
- `describe`       what an endpoint reads and answers
- `body`           from a request to values, from values to a response
- `schemas`, `messages`   what goes over the wire
- `tags`           which state an answer is of, and which one a write expects
- `history`        a history over the wire, at once or in pieces
- `preference`     what a write asks for in its head
- `endpoint`       an endpoint is a function of the request
- `guard`, `bearer`   who may come in
- `metrics`        what is counted
- `traces`, `logs`   where log lines go, and what they do not say
- `listing`        the list of sessions: filters, pages, streams
- `sessions`, `agents`, `health`   endpoints: parse, ask, render
- `api`            more of them, a file a subject
- `openapi`, `documentation`   from the endpoints to the OpenAPI document, and its page
- `bodies`         how much of them may be in memory
- `connection`     one request between the server and the app
- `direct`         the short way from a request to its endpoint
- `app`            `create_app`, and `create_blueprint` for a larger app
- `answers`, `http1`, `wire`, `server`   HTTP/1.1; a broken connection harms itself
- `running`        the service from start to end
- `settings`       what `serve` can be told
- `terminal`       what the commands print
- `cli`            the composition root: the commands
"""

from web.app import create_app, create_blueprint
from web.guard import Guard

__all__ = ["Guard", "create_app", "create_blueprint"]
