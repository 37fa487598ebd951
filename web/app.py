"""The REST service over a runtime: `create_app`, and `create_blueprint` for a larger app."""

from quart import Blueprint
from quart_trio import QuartTrio

from runtime import Runtime
from web import problems
from web.access import quart_way as guard
from web.access.rules import Guard
from web.agents import agents_blueprint
from web.api import blueprints
from web.bodies import Bodies
from web.direct import DirectApp
from web.docs.page import documentation_blueprint
from web.health import health_blueprint
from web.metrics import Metrics
from web.sessions import sessions_blueprint

PREFIX = "/api/v1"


def create_app(
    runtime: Runtime, *, rules: Guard | None = None, metrics: Metrics | None = None
) -> QuartTrio:
    """The whole service, as an app of its own.

    `runtime` has to be open for as long as the app serves. `rules` say who may come in; without
    them, callers from this machine. `metrics` are for whoever wants to run `watch_lag`.
    """
    rules = Guard() if rules is None else rules
    metrics = Metrics(runtime) if metrics is None else metrics
    app = DirectApp("agent_runtime", rules, metrics)
    app.url_map.merge_slashes = False  # no path has two; a redirect would repair it, unasked
    app.config["MAX_CONTENT_LENGTH"] = rules.body_limit
    app.config["BODIES"] = Bodies(max(rules.bodies_limit, rules.body_limit))
    app.register_blueprint(_endpoints(runtime, metrics))
    return app


def create_blueprint(runtime: Runtime, *, rules: Guard | None = None) -> Blueprint:
    """The service's endpoints, for `register_blueprint` in a larger Quart-Trio app.

    With `rules`, they hold for these endpoints; without, the app around decides who comes in. The
    app around also matches the paths, decoded: a session whose id has a slash cannot be reached
    there (see `paths`).
    """
    metrics = Metrics(runtime)
    service = _endpoints(runtime, metrics)
    if rules is not None:
        guard.install(rules, service)
    problems.install(service)
    service.after_request(metrics.count)
    return service


def _endpoints(runtime: Runtime, metrics: Metrics) -> Blueprint:
    service = Blueprint("agent_runtime", __name__)
    service.register_blueprint(sessions_blueprint(runtime), url_prefix=PREFIX)
    service.register_blueprint(agents_blueprint(runtime), url_prefix=PREFIX)
    for found in blueprints(runtime):
        service.register_blueprint(found, url_prefix=PREFIX)
    health = health_blueprint(runtime, metrics)
    documentation = documentation_blueprint()
    for prefix, suffix in (("", ""), (PREFIX, "_v1")):  # monitoring looks outside the prefix
        for blueprint in (health, documentation):
            service.register_blueprint(blueprint, url_prefix=prefix, name=blueprint.name + suffix)
    return service
