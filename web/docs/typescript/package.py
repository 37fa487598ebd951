"""The folder that npm takes: JavaScript, its types, and what the package is."""

import json
from importlib.metadata import version
from pathlib import Path

from web.api.routes import whole_table
from web.docs.openapi import document
from web.docs.typescript.methods import heads, method, signature
from web.docs.typescript.operations import operations
from web.docs.typescript.types import declarations

NAME = "agent-runtime-client"

BASE = Path(__file__).parent / "base"
"""What is written by hand."""


def write(folder: Path) -> None:
    """Makes the folder, or what is in it, anew."""
    folder.mkdir(parents=True, exist_ok=True)
    described = document(whole_table())
    found = list(operations(described))
    javascript = (
        (BASE / "base.js").read_text(encoding="utf-8"),
        heads(found),
        "export class AgentRuntimeClient extends Base {\n",
        "\n".join(map(method, found)),
        "}\n",
    )
    types = (
        (BASE / "base.d.ts").read_text(encoding="utf-8"),
        "\n".join(declarations(described)),
        "\n/** The API of one service: a method for each of its calls. */\n",
        "export class AgentRuntimeClient {\n  constructor(place?: ServicePlace);\n\n",
        "\n".join(map(signature, found)),
        "}\n",
    )
    (folder / "index.js").write_text("".join(javascript), encoding="utf-8")
    (folder / "index.d.ts").write_text("".join(types), encoding="utf-8")
    (folder / "package.json").write_text(json.dumps(_about(), indent=2) + "\n", encoding="utf-8")


def _about() -> dict[str, object]:
    return {
        "name": NAME,
        "version": version("agent-runtime"),
        "description": "A client of agent-runtime, the session runtime for AI-agent IDEs",
        "license": "MIT",
        "type": "module",
        "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}},
        "files": ["index.js", "index.d.ts"],
        "sideEffects": False,
        "engines": {"node": ">=20"},
    }
