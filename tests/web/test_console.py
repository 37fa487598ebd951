"""The files of the page at `/`: under each host, with tags and a policy, open where a token is."""

import re
from importlib.resources import files as resources
from pathlib import Path

import pytest
from quart import Response

import web
from persistence import MemoryStore
from runtime import open_runtime
from tests.web import under_hosts as hosts
from tests.web.conftest import Api, open_api
from tests.web.requests import request
from tests.web.under_hosts import Host
from web import Guard
from web.api.dispatch import Api as Calls
from web.console.files import NAMES, PATHS, POLICY

PAGE = Path(web.__file__).parent / "console" / "page"
HTML = (PAGE / "index.html").read_text(encoding="utf-8")
MODULES = sorted(PAGE.glob("*.js"))

TOKEN = "a-token-that-is-long-enough-for-anybody"  # noqa: S105 -- of this test alone


def text_of(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


async def body_of(answer: Response) -> bytes:
    found = await answer.get_data(as_text=False)
    assert isinstance(found, bytes)
    return found


async def test_the_page_is_at_the_root_and_all_of_its_files_below(api: Api) -> None:
    for path, name in NAMES.items():
        answer = await api.call("GET", path)
        assert answer.status_code == 200, path
        assert await body_of(answer) == (PAGE / name).read_bytes()


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/style.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_is_of_its_type_and_of_no_other(api: Api, path: str, type_: str) -> None:
    answer = await api.call("GET", path)
    assert answer.headers["Content-Type"] == type_
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_every_file_has_the_policy_and_says_nothing_to_others(api: Api) -> None:
    for path in PATHS:
        headers = (await api.call("GET", path)).headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-cache"


def test_the_policy_lets_in_files_of_the_service_alone() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules.pop("img-src") == "'self' data:"
    assert {name for name, rule in rules.items() if rule == "'self'"} == {
        *("script-src", "style-src", "connect-src"),
    }
    assert {name for name, rule in rules.items() if rule == "'none'"} == {
        *("default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types"),
    }
    assert rules["require-trusted-types-for"] == "'script'"


async def test_who_has_a_file_is_told_that_it_is_the_same(api: Api) -> None:
    for path in PATHS:
        first = await api.call("GET", path)
        again = await api.call("GET", path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        assert again.headers["ETag"] == first.headers["ETag"]
        assert await body_of(again) == b""
        other = await api.call("GET", path, headers={"If-None-Match": '"another"'})
        assert other.status_code == 200


async def test_files_have_different_tags(api: Api) -> None:
    tags = [(await api.call("GET", path)).headers["ETag"] for path in PATHS]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("host", [hosts.server, hosts.hypercorn])
async def test_head_is_answered_without_the_file(host: Host) -> None:
    async with open_api(host=host) as api:
        whole = await api.call("GET", "/console/main.js")
        head = await api.call("HEAD", "/console/main.js")
    assert head.status_code == 200
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert await body_of(head) == b""


@pytest.mark.parametrize("path", ["/", "/console/main.js"])
async def test_a_file_can_be_read_and_nothing_else(api: Api, path: str) -> None:
    refused = await api.call("POST", path, json={})
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert (await api.call("OPTIONS", path)).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        *("/console", "/console/", "/console/index.html", "/console/none.js", "/index.html"),
        *("/console/../files.py", "/console/%2e%2e/files.py", "/console//main.js"),
        *("/console/main%2Ejs", "/console/page/main.js", "//console/main.js", "/favicon.ico"),
    ],
)
async def test_only_what_is_listed_is_a_file(lone_api: Api, path: str) -> None:
    assert (await lone_api.call("GET", path)).status_code == 404


# With a token


async def test_the_page_is_open_and_what_it_asks_for_is_not() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        calls = Calls(runtime, rules=Guard(token=TOKEN))
        for path in PATHS:
            answer = await calls.answer(request("GET", path, ("Host", "localhost")))
            assert answer is not None
            assert answer.status == 200, path
        for path in ("/api/v1/sessions", "/docs", "/console/none.js", "/metrics"):
            refused = await calls.answer(request("GET", path, ("Host", "localhost")))
            assert refused is not None
            assert refused.status == 401, path


async def test_the_page_has_to_be_asked_for_by_its_name_as_everything() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        calls = Calls(runtime, rules=Guard(token=TOKEN))
        answer = await calls.answer(request("GET", "/", ("Host", "evil.example")))
        assert answer is not None
        assert answer.status == 421


# What the files say


def test_everything_that_the_page_loads_is_named_from_where_it_is_itself() -> None:
    loaded = re.findall(r'(?:src|href)="([^"]*)"', HTML)
    assert {f"/{name}" for name in loaded} - {"/docs"} <= PATHS
    assert len(loaded) == len(set(loaded))


def test_the_page_names_every_module_so_that_none_waits_for_another() -> None:
    assert {f"console/{path.name}" for path in MODULES} == set(re.findall(r"console/\w+\.js", HTML))


def test_the_page_has_neither_script_nor_style_within() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", HTML)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_makes_markup_or_code_of_text(path: Path) -> None:
    words = (
        *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextual"),
        *("DOMParser", "srcdoc", "eval(", "new Function", "setHTML", "import("),
    )
    assert not [word for word in words if word in text_of(path.name)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_imports_files_of_the_page_alone(path: Path) -> None:
    imported = re.findall(r'^import .* from "(.*)";$|^\} from "(.*)";$', text_of(path.name), re.M)
    names = {one or other for one, other in imported}
    assert {f"/console/{name.removeprefix('./')}" for name in names} <= PATHS
    assert all(name.startswith("./") for name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short(path: Path) -> None:
    assert len(text_of(path.name).splitlines()) <= 300


def test_the_files_are_where_the_package_is() -> None:
    assert resources("web.console").joinpath("page", "index.html").is_file()


def test_the_height_of_a_row_is_the_same_in_both_places() -> None:
    [written] = re.findall(r"^const HEIGHT = (\d+);", text_of("list.js"), re.M)
    assert f"--row: {written}px;" in text_of("style.css")
