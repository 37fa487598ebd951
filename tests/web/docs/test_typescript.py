"""The client for Node and browsers: it has every call, and talks to a real service."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service import running
from web.api.routes import whole_table
from web.docs.openapi import document
from web.docs.typescript.operations import operations
from web.docs.typescript.package import NAME, write

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "frameworks.md").read_text(encoding="utf-8")

NODE = shutil.which("node")
TSC = shutil.which("tsc")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has installed the package."""
    folder = tmp_path_factory.mktemp("project")
    write(folder / "node_modules" / NAME)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    return folder / "node_modules" / NAME


def test_every_call_of_the_document_is_a_method_in_both_files(package: Path) -> None:
    names = [operation.name for operation in operations(document(whole_table()))]
    assert {"health", "getLog", "followSession"} <= set(names)
    assert "sendChat" not in names
    javascript = (package / "index.js").read_text()
    types = (package / "index.d.ts").read_text()
    methods = re.findall(
        r"^  (?:async )?(\w+)\(.*\{$", javascript.partition("class AgentRuntimeClient")[2], re.M
    )
    assert methods == names
    assert re.findall(r"^  (\w+)\(.*;$", types.partition("class AgentRuntimeClient")[2], re.M) == [
        "constructor",
        *names,
    ]


def test_every_type_that_is_named_is_there(package: Path) -> None:
    types = re.sub(r"/\*.*?\*/", "", (package / "index.d.ts").read_text(), flags=re.S)
    declared = set(re.findall(r"(?:interface|type|class) (\w+)", types))
    named = set(re.findall(r"\b[A-Z]\w+\b", re.sub(r'"[^"]*"', "", types)))
    known = {"AbortSignal", "AsyncGenerator", "Blob", "Data", "Error", "Promise", "Uint8Array"}
    assert named - declared == known


def test_the_package_needs_no_other(package: Path) -> None:
    about = json.loads((package / "package.json").read_text())
    assert not {"dependencies", "peerDependencies", "scripts"} & about.keys()
    assert all((package / name).exists() for name in about["files"])
    assert not re.search(r"^import|require\(", (package / "index.js").read_text(), re.M)


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_node_talks_to_a_service(folder: Path, tmp_path: Path) -> None:
    script = folder / "scenario.mjs"
    script.write_text((HERE / "scenario.mjs").read_text(encoding="utf-8"), encoding="utf-8")
    names = re.findall(r'^  async "(.*)"\(\)', script.read_text(encoding="utf-8"), re.M)
    with running(tmp_path) as service:
        assert done_by_node(script, service.url).splitlines() == names


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_the_example_of_the_page_runs_as_it_stands_there(folder: Path, tmp_path: Path) -> None:
    [section] = re.findall(r"^## TypeScript\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    [example] = re.findall(r"^```js\n(.*?)^```$", section, re.M | re.S)
    script = folder / "example.mjs"
    with running(tmp_path) as service:
        script.write_text(example.replace("http://localhost:8001", service.url), encoding="utf-8")
        assert done_by_node(script, service.url) == "message Hello\nmessage Hi there\n"


@pytest.mark.skipif(TSC is None, reason="there is no TypeScript")
def test_a_compiler_finds_right_what_is_right_and_wrong_what_is_wrong(folder: Path) -> None:
    assert TSC is not None
    (folder / "usage.ts").write_text((HERE / "usage.ts").read_text(encoding="utf-8"))
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")
    result = subprocess.run(
        [TSC, *options, "usage.ts"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")


def done_by_node(script: Path, url: str) -> str:
    assert NODE is not None
    result = subprocess.run(
        [NODE, script],
        env={"AGENT_RUNTIME_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout
