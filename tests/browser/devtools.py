"""A browser that a test drives: Chromium's DevTools protocol, over two pipes.

Nothing here waits for a time: a call returns with its answer, and a condition is looked at in each
frame of the page until it holds. What hangs is ended by whoever bounds the test.
"""

import base64
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from attrs import define, field

from tests.browser.chromium import FLAGS, PATH

Json = dict[str, Any]

# The browser reads from 3 and writes to 4. What is there may be ours, so both are moved first.
_PIPED = """
import os, sys
reader, writer = int(sys.argv[1]), int(sys.argv[2])
os.dup2(reader, 3)
os.dup2(writer, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""

_BEYOND = 10
"""The lowest number of a pipe's end: not 3 or 4, which it is to become."""

_UNTIL = """new Promise((resolve) => {
  const look = () => {
    let holds = false;
    try { holds = (%s); } catch {}
    if (holds) resolve(true); else requestAnimationFrame(look);
  };
  look();
})"""

_KEYS = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}


class Failed(Exception):
    """The browser, or a script in its page, says that something failed."""


@define(eq=False)
class Browser:
    """Chromium, without a window."""

    _calls_to: IO[bytes]
    _tells: IO[bytes]
    _tabs: "dict[str, Tab]" = field(factory=dict)
    _count: int = 0
    _rest: bytes = b""

    def call(
        self, method: str, params: Mapping[str, Any] | None = None, tab: str | None = None
    ) -> Json:
        """What the browser answers. Raises `Failed`."""
        self._count += 1
        asked = {"id": self._count, "method": method, "params": dict(params or {})}
        if tab is not None:
            asked["sessionId"] = tab
        self._calls_to.write(json.dumps(asked).encode() + b"\0")
        self._calls_to.flush()
        while (told := self._next()).get("id") != asked["id"]:
            if (seen := self._tabs.get(told.get("sessionId", ""))) is not None:
                seen.note(told["method"], told["params"])
        if "error" in told:
            raise Failed(f"{method}: {told['error']['message']}")
        answer: Json = told["result"]
        return answer

    def tab(self) -> "Tab":
        """A new one, with nothing in it."""
        # With a context of its own: what one test stores is not there for the next.
        context = self.call("Target.createBrowserContext")["browserContextId"]
        where = {"url": "about:blank", "browserContextId": context}
        target = self.call("Target.createTarget", where)["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        tab = self._tabs[attached["sessionId"]] = Tab(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.call(f"{domain}.enable")
        return tab

    def _next(self) -> Json:
        while b"\0" not in self._rest:
            piece = os.read(self._tells.fileno(), 1 << 16)
            if not piece:
                raise Failed("The browser is gone")
            self._rest += piece
        text, _, self._rest = self._rest.partition(b"\0")
        told: Json = json.loads(text)
        return told


@define(eq=False)
class Tab:
    """One page, and all that it has asked for and complained of."""

    _browser: Browser
    _id: str
    requested: list[str] = field(factory=list)
    """The URL of each request."""
    complaints: list[str] = field(factory=list)
    """What was not caught, what a policy forbade, and dialogs."""
    _traced: list[Json] = field(factory=list)
    _is_traced: bool = False

    def call(self, method: str, **params: Any) -> Json:
        return self._browser.call(method, params, self._id)

    def note(self, method: str, params: Json) -> None:
        """An event of the browser."""
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.complaints.append(details.get("exception", details).get("description", "?"))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                entry = params["entry"]
                if entry["source"] != "network":  # what is refused is the page's own business
                    self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
            case "Tracing.dataCollected":
                self._traced += params["value"]
            case "Tracing.tracingComplete":
                self._is_traced = True
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"dialog: {params['message']}")

    def go(self, url: str) -> None:
        """Shows the page at this address, from its beginning."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it is kept with."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise Failed(f"{script}: {answer['result'].get('description')}")
        return answer["result"].get("value")

    def traced(self, script: str) -> tuple[Any, list[float]]:
        """The same, and what each task of the page's thread took of a processor, in milliseconds.

        That is no more on a busy machine than on an idle one.
        """
        self._traced, self._is_traced = [], False
        wanted = {"includedCategories": ["toplevel", "devtools.timeline"]}
        self.call("Tracing.start", transferMode="ReportEvents", traceConfig=wanted)
        value = self.run(script)
        self.call("Tracing.end")
        while not self._is_traced:
            self.run("0")
        [thread] = {_thread(event) for event in self._traced if event["name"] == "FunctionCall"}
        return value, [
            event["tdur"] / 1000
            for event in self._traced
            if _thread(event) == thread and event["name"].endswith("RunTask") and "tdur" in event
        ]

    def until(self, condition: str) -> None:
        """Waits until an expression is true."""
        self.run(_UNTIL % condition)

    def sees(self, text: str, within: str = "body") -> None:
        """Waits until somebody sees this text there."""
        wanted, place = json.dumps(text), json.dumps(within)
        self.until(f"document.querySelector({place}).innerText.includes({wanted})")

    def click(self, selector: str, text: str = "") -> None:
        """Waits for the first element of this kind that has the text, and clicks it."""
        found = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find((one) => one.innerText.includes({json.dumps(text)}))"
        )
        self.until(f"{found} !== undefined")
        self.run(f"{found}.click()")

    def press(self, key: str) -> None:
        """One key, down and up."""
        code = _KEYS.get(key, ord(key.upper()[0]))
        what = {"key": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def type(self, selector: str, text: str) -> None:
        """Writes into a field, in the place of what is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{found}.focus(), {found}.select()")
        self.call("Input.insertText", text=text)

    def look(self, *, width: int, height: int, scheme: str = "light") -> None:
        """How large the window is, in pixels, and what the system prefers: `light` or `dark`."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=preferred)

    def picture(self, file: Path) -> None:
        """What the window shows, as a PNG."""
        answer = self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(answer["data"]))


def _thread(event: Json) -> tuple[int, int]:
    return event["pid"], event["tid"]


@contextmanager
def driven(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `folder`; it dies with the block."""
    assert PATH is not None
    profile = folder / "profile"
    profile.mkdir()
    (their_end, our_end), (our_start, their_start) = os.pipe(), os.pipe()
    handed = [fcntl.fcntl(end, fcntl.F_DUPFD, _BEYOND) for end in (their_end, their_start)]
    arguments = [PATH, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    with (folder / "chromium.log").open("w") as log:
        # A session of its own: its children are in its group, and die with it.
        process = subprocess.Popen(
            [sys.executable, "-c", _PIPED, *map(str, handed), *arguments, "about:blank"],
            stdout=log,
            stderr=log,
            pass_fds=handed,
            start_new_session=True,
        )
        for end in (their_end, their_start, *handed):
            os.close(end)
        try:
            with os.fdopen(our_end, "wb") as to, os.fdopen(our_start, "rb") as from_:
                yield Browser(to, from_)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
