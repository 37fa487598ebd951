"""The transcripts of other agents, read as logs: pure, from lines to what they tell.

A file a format, each found by what its first lines say. Rules for all of them:

- A message stays in the form of the provider that it was sent to: a context recognises that. Where
  an agent keeps it in a form of its own, only what calls tools, and what these answer, is brought
  into the nearest provider's; what was there is in the message's `metadata`, under the name of the
  format.
- Every other line becomes a record under `<format>/<line>`, as it is; also one that nobody knows,
  or that is no JSON. Nothing is dropped; only of a last line that is not whole the rest is waited
  for.
- What a line becomes depends on it, and on those before it. So a transcript that has grown is the
  same log with more behind it.

A map, in the order in which one file may import another:

- `told`         what a line tells
- `openai`       lists of messages, as providers take them
- `cline`        Cline's, for Anthropic
- `claude_code`  Claude Code's sessions
- `codex`        Codex's rollouts
- `copilot`      Copilot's events
- `gemini`       Gemini CLI's chats
- `qwen`         Qwen Code's chats
- `kimi`         Kimi CLI's wire
- `swe_agent`    SWE-agent's trajectories
- `table`        all of them, and which one a file is of
- `source`       a file, and its lines
- `log`          from what is told to the lines of a log
"""

from web.formats.log import Conversation, Tally, moment_text
from web.formats.source import NotATranscript, Source
from web.formats.table import FORMATS
from web.formats.told import moment_of

__all__ = [
    "FORMATS",
    "Conversation",
    "NotATranscript",
    "Source",
    "Tally",
    "moment_of",
    "moment_text",
]
