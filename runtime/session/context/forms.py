"""The forms in which agents write calls of tools and their results, each with its provider's rules.

=============  ==================================================  ================================
family         a call is                                           its result is
=============  ==================================================  ================================
`chat`         one of `tool_calls`, of a function or a custom      a message of role `tool` with
               tool, with an `id` (Ollama's have none)             `tool_call_id`
`function`     `function_call` (what came before `tool_calls`)     a message of role `function`
                                                                   with the same `name`
`item`         a message or part of `type` `function_call`,        the same with `type` `…_output`
               `custom_tool_call` and their like, with `call_id`   and the same `call_id`
`tool_use`     a part of `type` `tool_use`, with an `id`           a part of `type` `tool_result`
                                                                   with `tool_use_id`
`gemini`       a part with a member `functionCall`                 a part with `functionResponse`
=============  ==================================================  ================================

Where they say what has to be so:

- OpenAI's Chat Completions refuse a request with "An assistant message with 'tool_calls' must be
  followed by tool messages responding to each 'tool_call_id'"
  (https://github.com/evalstate/fast-agent/issues/314).
- OpenAI's Responses refuse an output without its call, and a call without output, but do not ask
  that they be neighbours (https://github.com/continuedev/continue/issues/10092,
  https://github.com/Azure/azure-sdk-for-python/issues/46092). Their types:
  https://github.com/openai/openai-python/tree/main/src/openai/types/responses.
- Anthropic: each `tool_use` has its `tool_result` in the next message, which begins with all of
  them; text comes behind
  (https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls). Results that
  come behind two assistant messages are refused (https://github.com/can1357/oh-my-pi/pull/1163),
  and so is a second call of one id (https://github.com/anthropics/claude-code/issues/28515). Text
  behind a `tool_use` is accepted (https://github.com/gotgenes/pi-anthropic-auth/issues/66).
- Gemini: as many `functionResponse` parts as there were `functionCall` parts, in the next message
  (https://github.com/google-gemini/gemini-cli/issues/3814).

Calls that a provider answers itself, such as Anthropic's `server_tool_use` and OpenAI's
`web_search_call`, have their results with them and are none here.
"""

from collections.abc import Mapping
from typing import Any

from runtime.session.context.shape import Call, Form

INTERRUPTED = "Interrupted: this call has no result."
"""What a model is told of a call that nothing came of."""


def _chat(call: Call) -> dict[str, Any]:
    if call.id is None:
        return {"role": "tool", "tool_name": call.name, "content": INTERRUPTED}
    return {"role": "tool", "tool_call_id": call.id, "content": INTERRUPTED}


def _function(call: Call) -> dict[str, Any]:
    return {"role": "function", "name": call.name, "content": INTERRUPTED}


def _tool_result(call: Call) -> dict[str, Any]:
    named = {} if call.id is None else {"tool_use_id": call.id}
    return {"type": "tool_result", **named, "content": INTERRUPTED, "is_error": True}


def _response(call: Call) -> dict[str, Any]:
    named = {} if call.id is None else {"id": call.id}
    return {**named, "name": call.name, "response": {"error": INTERRUPTED}}


CHAT = Form("chat", False, _chat)
FUNCTION = Form("function", False, _function)
TOOL_USE = Form("tool_use", True, _tool_result, is_unique=True)
GEMINI = Form("gemini", True, lambda call: {"functionResponse": _response(call)}, is_loose=True)
GEMINI_SNAKE = Form(
    "gemini", True, lambda call: {"function_response": _response(call)}, is_loose=True
)
"""As its Python library dumps it."""

_TEXT = {"output": INTERRUPTED}
_SHELL = {"stdout": "", "stderr": INTERRUPTED, "outcome": {"type": "exit", "exit_code": 1}}
_OUTPUTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "function_call": ("function_call_output", _TEXT),
    "custom_tool_call": ("custom_tool_call_output", _TEXT),
    "local_shell_call": ("local_shell_call_output", _TEXT),
    "shell_call": ("shell_call_output", {"output": [_SHELL]}),
    "apply_patch_call": ("apply_patch_call_output", {"status": "failed", **_TEXT}),
}
"""Of each type of call: the type of its result, and what that has when it was interrupted. (A
computer's screen, which `computer_call_output` shows, cannot be made up.)"""


def _output(type_: str, call: Call) -> dict[str, Any]:
    name, members = _OUTPUTS[type_]
    named = {} if call.id is None else {"call_id": call.id}
    return {"type": name, **named, **members}


def _item(type_: str) -> Form:
    # As a message it needs a role, like all messages here; the Responses API knows none for it.
    return Form("item", False, lambda call: {"role": "tool", **_output(type_, call)}, goes_on=True)


def _item_part(type_: str) -> Form:
    return Form("item", True, lambda call: _output(type_, call))


ITEMS: Mapping[str, Form] = {type_: _item(type_) for type_ in _OUTPUTS}
"""By the type of a message."""
ITEM_PARTS: Mapping[str, Form] = {type_: _item_part(type_) for type_ in _OUTPUTS}
"""By the type of a part."""
ITEM_RESULTS = frozenset(name for name, _ in _OUTPUTS.values())
"""The types of their results."""
