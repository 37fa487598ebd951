"""All formats, and which one a file is of."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from web.formats.claude_code import ClaudeCode
from web.formats.cline import Cline
from web.formats.codex import Codex
from web.formats.copilot import Copilot
from web.formats.gemini import Gemini
from web.formats.kimi import Kimi
from web.formats.openai import OpenAI
from web.formats.qwen import Qwen
from web.formats.swe_agent import SWEAgent
from web.formats.told import Format

_TABLE: tuple[type[Format], ...] = (
    SWEAgent,
    Qwen,
    Gemini,
    ClaudeCode,
    Codex,
    Copilot,
    Kimi,
    Cline,
    OpenAI,
)
"""In the order in which they are tried: what fits nearly everything comes last."""

FORMATS: Mapping[str, type[Format]] = MappingProxyType({one.name: one for one in _TABLE})


def of_lines(first: Sequence[Any]) -> type[Format] | None:
    """The format of a file with these first lines."""
    return next((one for one in _TABLE if one.fits(first)), None)


def of_document(document: Any) -> tuple[type[Format], Sequence[Any]] | None:
    """The format of a file that is this value, and its parts."""
    for one in _TABLE:
        parts = one.unpack(document)
        if parts is not None and one.fits(parts):
            return one, parts
    return None
