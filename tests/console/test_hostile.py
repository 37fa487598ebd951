"""Whatever is stored is shown as text: nothing of it runs, loads or leads anywhere."""

import json
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.browser.devtools import Tab
from tests.console.sample import say
from tests.service import Service

MARKUP = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "<svg/onload=window.ran=1>",
    "<iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
    "</title></textarea></style><script>window.ran = 1</script>",
    "<a href='javascript:window.ran = 1'>here</a>",
    "[here](javascript:window.ran=1)",
    "![pixel](https://evil.example/pixel.png)",
    "<style>@import 'https://evil.example/a.css'; body { display: none }</style>",
    "<link rel=stylesheet href=https://evil.example/a.css>",
    "<meta http-equiv=refresh content='0; url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example/><input name=token autofocus></form>",
    "<object data=https://evil.example/a.swf></object>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror='window.ran = 1'>",
    "{{constructor.constructor('window.ran = 1')()}}",
    "${window.ran = 1}",
    "'; window.ran = 1; //",
    "javascript:window.ran=1",
    "data:text/html,<script>window.ran=1</script>",
    "__proto__",
)

TURNED = "user\u202etxt.exe\u2066 \u200bzero"
"""Turns the direction of what follows, and hides a space."""

URLS = (
    "javascript:window.ran=1",
    "data:text/html,<script>window.ran=1</script>",
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9IndpbmRvdy5yYW49MSIgeG1sbnM9Imh0dHA6Ly93d3cudzMub3JnLzIwMDAvc3ZnIi8+",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.ran=1'/>",
    "https://evil.example/pixel.png",
    "//evil.example/pixel.png",
    "file:///etc/passwd",
    "blob:https://evil.example/1",
    "vbscript:window.ran=1",
    "\x01javascript:window.ran=1",
    " \n javascript:window.ran=1",
)

ALLOWED = {
    *("ARTICLE", "HEADER", "FOOTER", "SECTION", "DIV", "SPAN", "BDI", "P", "PRE", "TIME", "STRONG"),
    *("DETAILS", "SUMMARY", "BUTTON", "INPUT", "IMG", "A", "H3"),
    *("TABLE", "CAPTION", "TBODY", "TR", "TH", "TD"),
}
"""What rows are made of, whatever is in them."""

PLACES = "#list, #rows, #drafts, #approvals, #panel-body, #title, #facts, #projects"


def unhurt(tab: Tab, service: Service) -> None:
    """Nothing ran, nothing was made of markup, and nobody else was asked for anything."""
    assert tab.run("window.ran") is None
    tags = tab.run(
        f"[...new Set([...document.querySelectorAll('{PLACES}')]"
        ".flatMap((place) => [...place.querySelectorAll('*')].map((one) => one.tagName)))]"
    )
    assert set(tags) <= {*ALLOWED, "OPTION"}
    assert tab.run("document.scripts.length") == 1
    hrefs = tab.run("[...document.querySelectorAll('main a')].map((one) => one.protocol)")
    assert set(hrefs) <= {"http:", "https:"}
    for url in tab.requested:
        parts = urlsplit(url)
        assert parts.scheme in {"data", "about"} or parts.netloc == urlsplit(service.url).netloc, (
            url
        )
        assert parts.scheme != "data" or url.startswith("data:image/")
    assert tab.run("location.origin") == service.url


def opened(tab: Tab, service: Service, session_id: str) -> None:
    tab.go(f"{service.url}/#/{quote(session_id, safe='')}")
    tab.until("document.querySelectorAll('#rows .entry').length > 0")
    tab.until("performance.getEntriesByName('list shown').length > 0")
    tab.run("document.querySelectorAll('#rows details').forEach((one) => { one.open = true; })")
    tab.run("document.querySelectorAll('#rows [data-action=source]').forEach((one) => one.click())")
    tab.run("document.querySelector('[data-action=panel]').click()")
    for name in ("usage", "details", "timeline"):
        tab.click(f"[data-tab={name}]")
        tab.until("document.querySelector('#panel-body').childElementCount > 0")


def everything(client: httpx.Client, text: str) -> str:
    """A session that has this text wherever a text can be; its id."""
    body: dict[str, object] = {
        "session_id": text,
        "title": text,
        "agent": text,
        "metadata": {"cwd": text, text: text},
    }
    created = client.post("/sessions", json=body)
    created.raise_for_status()
    place = f"/sessions/{quote(text, safe='')}"
    call = {"id": text, "type": "function", "function": {"name": text, "arguments": text}}
    parts = [
        *({"type": kind, "text": text} for kind in ("text", "input_text", text)),
        {"type": "thinking", "thinking": text},
        {"type": "tool_use", "id": text, "name": text, "input": {text: text}},
        {"type": "tool_result", "tool_use_id": text, "content": text, "is_error": True},
        {"type": "image", "source": {"type": "base64", "media_type": text, "data": text}},
        {"type": "image_url", "image_url": {"url": text}},
        text,
    ]
    messages = [
        {"role": "user", "content": text, "name": text, text: text},
        {"role": text[:64], "content": text},
        {"role": "assistant", "content": text, "reasoning_content": text, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": text, "content": text},
        {"role": "assistant", "content": parts},
        {"role": "user", "content": {text: text}},
    ]
    client.post(f"{place}/messages", json={"messages": messages}).raise_for_status()
    switch = {"agent": "other", "reason": text}
    client.post(f"/agents/{quote(text, safe='')}/switch", json=switch).raise_for_status()
    for name in ("one", "two"):
        asked = {"id": f"{name}{text}", "title": text, "detail": {text: text}}
        client.post(f"{place}/approvals", json=asked).raise_for_status()
    decided = {"decision": "denied", "by": text, "note": text}
    answer = f"{place}/approvals/{quote(f'one{text}', safe='')}/decision"
    client.post(answer, json=decided).raise_for_status()
    summary = {"role": "user", "content": text}
    body = {"through": 2, "summary": summary}
    client.post(f"{place}/compactions", json=body).raise_for_status()
    used: dict[str, object] = {"agent": text, "model": text, text[:64]: 1}
    client.post(f"{place}/usage", json=used).raise_for_status()
    draft = {"append": text, "part": text, "role": text[:64]}
    client.post(f"{place}/drafts/{quote(text, safe='')}", json=draft).raise_for_status()
    return text


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text_wherever_it_stands(
    client: httpx.Client, tab: Tab, service: Service, text: str
) -> None:
    everything(client, text)
    opened(tab, service, text)
    tab.sees(text, "#title")
    tab.sees(text, "#rows")
    tab.sees(text, "#drafts")
    tab.sees(text, "#approvals")
    tab.sees(text, "#list")
    unhurt(tab, service)


@pytest.mark.parametrize("url", URLS)
def test_a_picture_from_elsewhere_is_a_link_or_text_and_is_never_asked_for(
    client: httpx.Client, tab: Tab, service: Service, url: str
) -> None:
    forms = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "input_image", "image_url": url},
        {"type": "image", "source": {"type": "url", "url": url}},
        {"fileData": {"fileUri": url}},
        {"type": "text", "text": "and so on"},
    ]
    session = f"picture-{URLS.index(url)}"
    say(client, session, {"role": "user", "content": forms})
    opened(tab, service, session)
    tab.sees("and so on", "#rows")
    assert tab.run("document.querySelectorAll('#rows img').length") == 0
    unhurt(tab, service)


def test_what_hides_in_a_name_or_a_question_is_shown(
    client: httpx.Client, tab: Tab, service: Service
) -> None:
    client.post("/sessions", json={"session_id": "turned", "title": TURNED}).raise_for_status()
    function = {"name": TURNED, "arguments": json.dumps({"path": TURNED})}
    say(
        client,
        "turned",
        {"role": "user", "content": TURNED},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": function}]},
    )
    asked = {"id": "q", "title": TURNED, "detail": TURNED}
    client.post("/sessions/turned/approvals", json=asked).raise_for_status()
    opened(tab, service, "turned")
    named = "user⟨U+202E⟩txt.exe⟨U+2066⟩ ⟨U+200B⟩zero"
    for place in ("#title", "#list", "#rows .call summary", "#approvals"):
        tab.sees(named, place)
    assert tab.run("document.querySelector('#rows .prose p').textContent") == TURNED
    direction = "getComputedStyle(document.querySelector('#rows .prose p')).unicodeBidi"
    assert tab.run(direction) == "plaintext"
    unhurt(tab, service)


def test_the_policy_holds_even_where_a_script_gets_in(tab: Tab, service: Service) -> None:
    forbidden = tab.run(
        "new Promise((resolve) => {"
        "  const told = (event) => resolve(event.effectiveDirective);"
        "  document.addEventListener('securitypolicyviolation', told);"
        "  const image = new Image(); image.src = 'https://evil.example/pixel.png';"
        "})"
    )
    assert forbidden == "img-src"
    assert (
        tab.run(
            "(() => { try { document.body.innerHTML = 'x'; return 'made'; }"
            " catch (error) { return error.name; } })()"
        )
        == "TypeError"
    )
    tab.complaints.clear()
