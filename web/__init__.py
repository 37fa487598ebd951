"""The REST service over a runtime.

A map:

- `app`            `create_app`, and `create_blueprint` for a larger app
- `sessions`, `agents`, `health`, `documentation`   the endpoints: parse, ask, render
- `schemas`        what goes over the wire; `body`, `preference` read it from a request
- `endpoint`, `direct`   the short way from a request to its endpoint
- `describe`, `openapi`   from the endpoints to the OpenAPI document
- `problems`       one table: error to status
- `guard`, `bearer`   who may come in
- `metrics`        what is counted
- `server`, `wire`, `http1`, `answers`, `connection`   HTTP/1.1; a broken connection harms itself
- `cli`            the composition root: the commands; `terminal` is what they print
- `settings`       what `serve` can be told; `running` is the service from start to end
- `logs`, `traces` where log lines go, and what they do not say
"""

from web.app import create_app, create_blueprint
from web.guard import Guard

__all__ = ["Guard", "create_app", "create_blueprint"]
