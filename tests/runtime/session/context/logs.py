"""What agents write, in each of the forms: legal conversations, and any messages at all."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import msgspec
from hypothesis import strategies as st

from runtime.session.context.composing import Composer, Fixed, Limits
from runtime.session.context.reading import shape_of
from runtime.session.context.steps import LARGEST
from runtime.session.entries.tail import Said
from runtime.session.kinds.message import from_json

Json = dict[str, Any]


# -- contexts ----------------------------------------------------------------------------------


def text_of(message: Json) -> bytes:
    """A message as it comes back."""
    body = {"role": message["role"]}
    if "content" in message:
        body["content"] = message["content"]
    return msgspec.json.encode({**body, **message})


def size_of(messages: Sequence[Json]) -> int:
    """Bytes of JSON of the list."""
    return len(msgspec.json.encode(messages))


def composed(
    messages: Sequence[Json],
    *,
    max_bytes: int = LARGEST,
    max_messages: int | None = None,
    summary: Json | None = None,
    before: Json | None = None,
) -> tuple[list[Json], list[str]]:
    """The context of a log of these messages, and the calls that were interrupted."""
    instructions = list(takewhile(is_instruction, messages)) if summary is None else []
    fixed = Fixed(
        instructions=[text_of(message) for message in instructions],
        summary=None if summary is None else text_of(summary),
        before=None if before is None else text_of(before),
    )
    composer = Composer(fixed, Limits(max_bytes=max_bytes, max_messages=max_messages))
    composer.take(said(message) for message in reversed(messages[len(instructions) :]))
    made = composer.end()
    return [msgspec.json.decode(text) for text in made.messages], list(made.interrupted)


def is_instruction(message: Json) -> bool:
    return shape_of(msgspec.json.encode(message)).speaker == "system"


def said(message: Json) -> Said:
    """The message as it is kept."""
    new = from_json(message)
    return new.body, new.key, new.metadata, new.form


# -- messages in all forms ---------------------------------------------------------------------


def user(content: Any = "go on") -> Json:
    return {"role": "user", "content": content}


def assistant(content: Any = "well") -> Json:
    return {"role": "assistant", "content": content}


def system(content: str = "be brief") -> Json:
    return {"role": "system", "content": content}


def text(said: str = "so") -> Json:
    return {"type": "text", "text": said}


def chat(*ids: str | None, **more: Any) -> Json:
    """OpenAI's Chat Completions; without ids, Ollama's."""
    calls = [
        {**({} if name is None else {"id": name}), "type": "function", "function": {"name": "f"}}
        for name in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def tool(name: str | None, content: Any = "ok") -> Json:
    if name is None:
        return {"role": "tool", "tool_name": "f", "content": content}
    return {"role": "tool", "tool_call_id": name, "content": content}


def function_call(name: str = "f") -> Json:
    """What OpenAI had before tools."""
    called = {"name": name, "arguments": "{}"}
    return {"role": "assistant", "content": "", "function_call": called}


def function(name: str = "f") -> Json:
    return {"role": "function", "name": name, "content": "ok"}


def item(name: str, type_: str = "function_call") -> Json:
    """OpenAI's Responses: each call is an item of its own."""
    return {"role": "assistant", "type": type_, "call_id": name, "name": "f", "arguments": "{}"}


def output(name: str, type_: str = "function_call") -> Json:
    return {"role": "tool", "type": f"{type_}_output", "call_id": name, "output": "ok"}


def use(name: str | None) -> Json:
    """Anthropic's, a part."""
    named = {} if name is None else {"id": name}
    return {"type": "tool_use", **named, "name": "f", "input": {}}


def result(name: str | None, content: Any = "ok") -> Json:
    named = {} if name is None else {"tool_use_id": name}
    return {"type": "tool_result", **named, "content": content}


def thinking() -> Json:
    return {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


def gemini(*parts: Json) -> Json:
    return {"role": "model", "parts": list(parts)}


def gemini_user(*parts: Json) -> Json:
    return {"role": "user", "parts": list(parts)}


def call(name: str = "f", id_: str | None = None) -> Json:
    """Gemini's, a part."""
    named = {} if id_ is None else {"id": id_}
    return {"functionCall": {**named, "name": name, "args": {}}}


def response(name: str = "f", id_: str | None = None) -> Json:
    named = {} if id_ is None else {"id": id_}
    return {"functionResponse": {**named, "name": name, "response": {"output": "ok"}}}


# -- any log at all ----------------------------------------------------------------------------

_words = st.text('aé"\\ ', max_size=12)
_chat_ids = st.sampled_from(["c1", "c2", "x", None])
_item_ids = st.sampled_from(["i1", "i2"])
_types = st.sampled_from(["function_call", "custom_tool_call", "shell_call"])
_use_ids = st.sampled_from(["t1", "t2", "x"])
_names = st.sampled_from(["f", "g"])
_texts = _words.map(text)
_said = st.one_of(
    _words.map(user),
    st.lists(_texts, max_size=2).map(user),
    _words.map(assistant),
    st.lists(_texts, max_size=2).map(assistant),
    st.just(assistant([thinking()])),
    st.sampled_from(["system", "developer"]).map(lambda role: {"role": role, "content": "s"}),
    _texts.map(gemini_user),
    _texts.map(gemini),
)
_uses = _use_ids.map(use)
_results = st.builds(result, _use_ids, _words)
_calls = st.builds(call, _names)
_responses = st.builds(response, _names)
_working = st.one_of(
    st.lists(_chat_ids, min_size=1, max_size=3).map(lambda ids: chat(*ids)),
    st.builds(tool, _chat_ids, _words),
    _names.map(function_call),
    _names.map(function),
    st.builds(item, _item_ids, _types),
    st.builds(output, _item_ids, _types),
    st.lists(_uses | _texts | st.just(thinking()), min_size=1, max_size=4).map(assistant),
    st.lists(_results | _texts, min_size=1, max_size=4).map(user),
    st.lists(_calls | _texts, min_size=1, max_size=3).map(lambda parts: gemini(*parts)),
    st.lists(_responses | _texts, min_size=1, max_size=3).map(lambda parts: gemini_user(*parts)),
    # As frameworks keep Anthropic's calls: in two forms.
    _use_ids.map(lambda name: chat(name, content=[use(name)])),
)
_own = st.sampled_from(
    [
        {"id": "m"},
        {"metadata": {"usage": {"input_tokens": 1}}},
        {"name": "ann"},
        {"tool_calls": []},
        {"function_call": None},
        {"extra": {"type": "tool_use", "id": "t1"}},
    ]
)
_strange = st.builds(lambda message, more: {**more, **message}, _said, _own)

_any_messages: st.SearchStrategy[list[Json]] = st.lists(_said | _working | _strange, max_size=25)


# -- legal conversations -----------------------------------------------------------------------


@st.composite
def legal_log(draw: st.DrawFn) -> list[Json]:
    """One that all of a provider's rules are kept in."""
    form = draw(st.sampled_from(["chat", "function", "item", "anthropic", "gemini", "ollama"]))
    found = [system()] * draw(st.integers(0, 2))
    counted = 0
    for _ in range(draw(st.integers(0, 4))):
        found += [user(draw(_words))] * draw(st.integers(1, 2))
        for _ in range(draw(st.integers(0, 3))):
            ids = [f"id{counted + place}" for place in range(draw(st.integers(1, 3)))]
            counted += len(ids)
            shuffled = draw(st.permutations(ids))
            more = [text()] if draw(st.booleans()) else []
            if form == "chat":
                found += [chat(*ids), *map(tool, shuffled)]
            elif form == "ollama":
                found += [chat(*(None for _ in ids)), *(tool(None) for _ in ids)]
            elif form == "function":
                found += [function_call(), function()]
            elif form == "item":
                words = [assistant()] if more else []
                found += [*words, *map(item, ids), *words, *map(output, shuffled)]
            elif form == "anthropic":
                called = assistant([thinking(), *more, *map(use, ids)])
                found += [called, user([*map(result, shuffled), *more])]
            else:
                found += [gemini(*more, *(call() for _ in ids))]
                found += [gemini_user(*(response() for _ in ids))]
        found += [assistant()] * draw(st.integers(0, 1))
    return found if len(found) > 2 else []


# -- any log at all ----------------------------------------------------------------------------


@st.composite
def _damaged_log(draw: st.DrawFn) -> list[Json]:
    """A legal one of which something was lost, or comes again, or elsewhere."""
    found = draw(legal_log())
    for _ in range(draw(st.integers(1, 6))):
        if not found:
            break
        place = draw(st.integers(0, len(found) - 1))
        message = found.pop(place)
        match draw(st.sampled_from(["gone", "moved", "again", "between", "in part"])):
            case "moved":
                found.insert(draw(st.integers(0, len(found))), message)
            case "again":
                found[place:place] = [message, message]
            case "between":
                found[place:place] = [draw(_said), message]
            case "in part":
                for name in ("content", "parts", "tool_calls"):
                    if isinstance(message.get(name), list) and message[name]:
                        kept = draw(st.lists(st.sampled_from(message[name]), max_size=4))
                        message = {**message, name: kept}
                found.insert(place, message)
    return found


any_log: st.SearchStrategy[list[Json]] = _any_messages | _damaged_log()
