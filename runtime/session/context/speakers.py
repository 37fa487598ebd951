"""Who speaks in a message. Each provider, and each framework, has names of its own for that.

OpenAI: `system`, `developer`, `user`, `assistant`, `tool`, and, before there were tools,
`function`. Anthropic: `user`, `assistant`. Gemini: `user`, `model`. LangChain writes `human` and
`ai`. Some write them in capitals.
"""

from typing import Literal

Speaker = Literal["user", "assistant", "system", "tool", "other"]
"""`other`: an agent with a role of its own, of whom nobody knows whether it calls or is called."""

_SPEAKERS: dict[str, Speaker] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}


def speaker(role: str) -> Speaker:
    """Who speaks in a message of this role."""
    return _SPEAKERS.get(role) or _SPEAKERS.get(role.lower(), "other")
