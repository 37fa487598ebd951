"""Google's Agent Development Kit."""

from tests.frameworks.about import About

ABOUT = About(
    title="Google ADK",
    adapter="web.clients.google_adk:AgentRuntimeSessionService",
    extras=("google-adk",),
    keeps="events, verbatim and in order, and `app:`, `user:` and session state",
    durability="on disk",
    suite="checks of its documented semantics",
    peer="`SqliteSessionService`",
)
