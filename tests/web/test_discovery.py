"""A file in `web/api/` is found by being there: a new kind's endpoints are one new file."""

import json
from pathlib import Path

import pytest

from tests.web.conftest import open_api
from web import api as package

NOTES = '''
"""Notes: a kind that there is not."""

from msgspec import Struct
from quart import Blueprint, Request, Response

from web.api.entries import EntryIn, EntryOut
from web.body import json_response
from web.describe import describe
from web.endpoint import as_view


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


def blueprint(runtime: object) -> Blueprint:
    api = Blueprint("notes", __name__)

    @api.get("/notes")
    @as_view
    @describe({200: NoteOut})
    async def get_notes(_: Request) -> Response:
        """All notes."""
        return json_response(NoteOut("hello"))

    return api
'''


@pytest.fixture
def with_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.py").write_text(NOTES)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])


@pytest.mark.usefixtures("with_notes")
async def test_its_endpoints_are_served_and_documented_and_its_entries_known() -> None:
    async with open_api() as api:
        answer = await api.get("/notes")
        assert await answer.get_json(force=True) == {"text": "hello"}
        document = json.loads(await (await api.call("GET", "/openapi.json")).get_data())
        assert "/api/v1/notes" in document["paths"]
        schemas = document["components"]["schemas"]
        for name in ("LogPageOut", "LogIn"):
            entries = schemas[name]["properties"]["entries"]["items"]
            assert "note" in entries["discriminator"]["mapping"]
        await api.say("s", "hello")
        assert (await api.get("/sessions/s/log?kind=note")).status_code == 200
