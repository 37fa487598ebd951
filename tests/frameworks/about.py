"""What the table says of an adapter, and what its tests need installed."""

from importlib import import_module
from pathlib import Path

from attrs import frozen

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@frozen(kw_only=True)
class About:
    """One framework: a folder here, a section of docs/frameworks.md, and a row of its table."""

    title: str
    """As the section's heading has it."""
    adapter: str
    """The module and the name in it: `web.clients.openai_agents:AgentRuntimeSession`."""
    extras: tuple[str, ...]
    """Of this project, that are installed for its tests."""
    keeps: str
    durability: str
    """What it means when a call of the adapter has returned."""
    suite: str
    """What `suite.py` runs, or, without one, what the tests were made from."""
    peer: str = ""
    """The framework's own store, on which the suite runs as well."""
    in_table: bool = True


def names() -> list[str]:
    """Of all folders."""
    return sorted(file.parent.name for file in HERE.glob("*/about.py"))


def about(name: str) -> About:
    """What a folder says of itself."""
    found = import_module(f"tests.frameworks.{name}.about").ABOUT
    assert isinstance(found, About)
    return found
