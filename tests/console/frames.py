"""How fast the page is, in a browser: `python -m tests.console.frames`.

- How long after its address was entered the list of many sessions is there.
- How long the longest frame is while a long session is scrolled, to its beginning and back.

A frame's length is the time between two calls of `requestAnimationFrame`. The longest task is the
longest time in which the page's thread did nothing else: what passed meanwhile, and what it took of
a processor, which is the same on a busy machine.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import trio

from persistence import open_store
from runtime import Runtime, RuntimeConfig, open_runtime
from tests.browser.devtools import Browser, Tab, driven
from tests.console.sample import called, result
from tests.service import running

LONG = "long"

EDGES = ("firstElementChild", "lastElementChild")

SCROLLED = """new Promise((resolve) => {
  const scroller = document.querySelector("#scroller");
  const frames = [];
  const tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ type: "longtask" });
  let before = performance.now();
  let rests = 0;
  const step = (now) => {
    frames.push(now - before);
    before = now;
    const was = scroller.scrollTop;
    scroller.scrollTop += %d;
    // At an edge it rests while the next page is read; the end is where nothing comes any more.
    rests = scroller.scrollTop === was ? rests + 1 : 0;
    if (rests < 120) requestAnimationFrame(step);
    else resolve({ frames, tasks });
  };
  requestAnimationFrame(step);
})"""


async def fill(url: str, sessions: int, messages: int) -> None:
    """Many short sessions, and a long one."""
    settings = RuntimeConfig(durability="snapshot")
    async with open_runtime(open_store(url), settings) as runtime:
        for number in range(sessions):
            await runtime.create_session(
                f"session-{number:05}",
                title=f"What is to be done about number {number}?",
                metadata={"cwd": f"/home/ann/project-{number % 40}"},
            )
        await say(runtime, messages)


async def say(runtime: Runtime, messages: int) -> None:
    session = runtime.session(LONG)
    for start in range(0, messages, 500):
        await session.append(*(said(number) for number in range(start, min(messages, start + 500))))


def said(number: int) -> dict[str, object]:
    """Of ten messages, some are long, and some are calls and their results."""
    words = f"Message {number}: what was said here has some words, and they go on. "
    match number % 10:
        case 3:
            return called(f"call-{number}", "run_command", command=f"grep -rn pattern-{number} .")
        case 4:
            return result(f"call-{number - 1}", words * 60)
        case 7:
            return {"role": "assistant", "content": f"{words * 20}\\n\\n```\\n{words * 5}\\n```"}
        case _:
            role = "user" if number % 2 == 0 else "assistant"
            return {"role": role, "content": words * (1 + number % 5)}


def first_paint(tab: Tab, url: str) -> dict[str, float]:
    """Milliseconds from the beginning of the navigation."""
    tab.go(url)
    tab.until("performance.getEntriesByName('list shown').length > 0")
    tab.until("performance.getEntriesByName('first-contentful-paint').length > 0")
    found: dict[str, float] = tab.run(
        "({paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " list: performance.getEntriesByName('list shown')[0].startTime})"
    )
    return found


def scrolled(tab: Tab, url: str, by: int, messages: int) -> Iterable[tuple[str, list[float]]]:
    """For each direction the longest frame, the longest task, and that of a processor: in ms."""
    tab.go(f"{url}/#/{LONG}")
    tab.until("performance.getEntriesByName('session shown').length > 0")
    for name, step in (("to its beginning", -by), ("and back", by)):
        told, took = tab.traced(SCROLLED % step)
        edge = tab.run(f"document.querySelector('#rows').{EDGES[step > 0]}.dataset.seq")
        assert edge == str(messages if step > 0 else 1), f"it came only to #{edge}"
        yield name, [max(told["frames"]), max(told["tasks"], default=0), max(took)]


@click.command()
@click.option("--sessions", default=10_000, show_default=True)
@click.option("--messages", default=5_000, show_default=True)
@click.option("--by", default=500, show_default=True, help="Pixels in each frame.")
@click.option("--times", default=3, show_default=True)
def main(sessions: int, messages: int, by: int, times: int) -> None:
    """Measures the page, over data that is made for it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        trio.run(fill, f"sqlite:///{folder / 'page.db'}", sessions, messages)
        with running(folder, db=str(folder / "page.db")) as service, driven(folder) as browser:
            report(browser, service.url, by, messages, times)


def report(browser: Browser, url: str, by: int, messages: int, times: int) -> None:
    tab = browser.tab()
    tab.look(width=1280, height=800)
    for _ in range(times):
        took = first_paint(tab, f"{url}/")
        click.echo(f"first paint {took['paint']:.0f} ms, the list {took['list']:.0f} ms")
    for _ in range(times):
        for name, (frame, task, processor) in scrolled(tab, url, by, messages):
            click.echo(
                f"{name}: longest frame {frame:.0f} ms, longest task {task:.0f} ms "
                f"({processor:.0f} ms of a processor)"
            )
    if tab.complaints:
        raise SystemExit("\n".join(tab.complaints))


if __name__ == "__main__":
    main()
