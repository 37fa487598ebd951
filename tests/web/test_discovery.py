"""A file in `web/api/` is found by being there: a new kind's endpoints are one new file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import open_api
from web import api as package
from web.api.routes import whole_table

NOTES = '''
"""Notes: a kind that there is not."""

from msgspec import Struct

from web.api.entries import EntryIn, EntryOut
from web.call.rendering import json_answer
from web.call.route import Route


class NoteOut(Struct):
    """A note."""

    text: str


class NoteEntry(EntryOut, tag="note", kw_only=True):
    """A note."""

    body: NoteOut


class NoteEntryIn(EntryIn, tag="note", kw_only=True):
    """A note."""

    body: NoteOut


ENTRIES = (NoteEntry,)
ENTRIES_IN = (NoteEntryIn,)


async def get_notes(service, request):
    """All notes."""
    return json_answer(NoteOut("hello"))


ROUTES = (Route("GET", "/notes", get_notes, {200: NoteOut}),)
'''


@pytest.fixture
def with_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "notes.py").write_text(NOTES)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    whole_table.cache_clear()  # other tests of this process have looked what is there
    yield
    whole_table.cache_clear()


@pytest.mark.usefixtures("with_notes")
async def test_its_endpoints_are_served_and_documented_and_its_entries_too() -> None:
    async with open_api() as api:
        answer = await api.get("/notes")
        assert await answer.get_json(force=True) == {"text": "hello"}
        document = json.loads(await (await api.call("GET", "/openapi.json")).get_data())
        assert "/api/v1/notes" in document["paths"]
        schemas = document["components"]["schemas"]
        for name in ("LogPageOut", "LogIn"):
            entries = schemas[name]["properties"]["entries"]["items"]
            assert "note" in entries["discriminator"]["mapping"]
