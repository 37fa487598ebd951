"""8. Actor faults: bugs, cancelled callers, races with passivation, poison, a dying persister.

Whatever happens to one session, its neighbours do not notice; no session is ever active twice; and
the runtime never goes on without its persister. The order in which trio runs the tasks is permuted
with a seed, and a model checks every run.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any
from unittest.mock import patch

import trio
from attrs import define, field

from persistence.sqlite.store import SQLiteStore
from runtime import (
    AgentRuntimeError,
    CallerError,
    MailboxFull,
    Message,
    NotNow,
    Runtime,
    RuntimeConfig,
    SessionCrashed,
    SessionNotFound,
    StoreBroken,
    StoreUnavailable,
    open_runtime,
)
from runtime.actors.actor import Actor
from runtime.actors.directory import Directory
from runtime.actors.mailbox import Command
from runtime.session.state import SessionState
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import Row
from tests.faults.campaign import Clock, Effort, Report
from tests.faults.ledger import Ledger, Outcome
from tests.faults.schedules import cancelled_at, run_permuted
from tests.runtime.fakes import Crash, FakeStore, Watch, call

CALLERS, CALLS = 6, 8
NEIGHBOURS = ("s-0", "s-1")
CRASHING, POISON = "crashing", "poison"
"""One meets bugs; of the other, the store takes nothing for a while."""
PASSIVATING_STEPS = 150
COMMIT_FAILS = 0.15
"""How often a commit fails."""


def run(effort: Effort) -> Report:
    report = Report()
    log = logging.getLogger("agent_runtime")
    with patch.object(log, "disabled", True):  # thousands of bugs, each with its traceback
        _schedules(report, effort.of(full=1_050, quick=50))
        _cancelled_callers(report, effort.of(full=20, quick=1))
        _poison_on_disk(report, effort)
        _dying_persister(report, effort.of(full=100, quick=5))
        _jumping_clock(report, effort.of(full=100, quick=5))
    return report


# -- any order of tasks, any fault, against a model ---------------------------------------------


class Flaky(FakeStore):
    """A store whose commits fail now and then."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        if self._random.random() < COMMIT_FAILS:
            raise StoreUnavailable("the disk is full")
        return super().commit(deltas)


@define
class Model:
    """What the callers know, and what must not be."""

    ledger: Ledger = field(factory=Ledger)
    problems: list[str] = field(factory=list)
    counted: dict[str, int] = field(factory=dict)
    _actors: dict[str, Actor] = field(factory=dict)

    def count(self, what: str) -> None:
        self.counted[what] = self.counted.get(what, 0) + 1

    @contextmanager
    def looking_for_double_activations(self) -> Iterator[None]:
        """Watches the directory start actors."""
        start = Directory._start

        def started(directory: Directory, session_id: str) -> Actor:
            before = self._actors.get(session_id)
            if before is not None and not before.crashed and before.session is not None:
                state = before.session
                if before._unanswered or state.mark != state.durable_mark:
                    self.problems.append(f"{session_id} was activated twice")
            self.count("activations")
            self._actors[session_id] = start(directory, session_id)
            return self._actors[session_id]

        with patch.object(Directory, "_start", started):
            yield


def _schedules(report: Report, times: int) -> None:
    orders: set[int] = set()
    clock = Clock()
    for seed in range(times):
        model = Model()
        with _noted(report, f"seed {seed}"):
            orders.add(run_permuted(seed, partial(_all_at_once, model)))
        report.violations += [f"seed {seed}: {problem}" for problem in model.problems]
        for what, number in model.counted.items():
            report.count(what, number)
        report.count("calls acknowledged", model.ledger.count(Outcome.OK))
    report.count("schedules", times)
    report.figures["different ones among them"] = f"{len(orders):,}"
    report.figures["schedules per second"] = f"{times / clock.seconds:.0f}"
    for what in ("crashes", "refused by a full mailbox", "passivations", "cancelled callers"):
        report.expect(bool(report.tried.get(what)), f"the schedules met no {what}")


async def _all_at_once(model: Model, random: Random) -> int:
    """One schedule; returns what tells it from others."""
    store = Flaky(random)
    store.rejected = {POISON}
    config = RuntimeConfig(
        durability=random.choice(["commit", "snapshot"]),
        idle_timeout=random.choice([0.02, 60]),
        max_active=random.choice([1, 2, 100]),
        mailbox_size=random.choice([1, 3]),
        snapshot_interval=random.choice([0.0, 0.01]),
        batch_sessions=random.choice([1, 100]),
        commit_timeout=5,
    )
    order = _Order()
    trio.lowlevel.add_instrument(order)
    with model.looking_for_double_activations():
        async with open_runtime(store, config, now=Watch()) as runtime:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_passivate_at_every_step, runtime)
                for number in range(CALLERS):
                    nursery.start_soon(_caller, runtime, model, number, random)
            store.rejected.clear()
            inside = runtime.statistics()
        model.counted["passivations"] = inside.directory.passivations
        model.counted["commits that failed"] = inside.persister.commit_failures
        model.counted["deltas rejected"] = inside.persister.rejected_deltas
    for session_id in (*NEIGHBOURS, CRASHING, POISON):
        there = [(row[0], row[2] or "") for row in _rows(store, session_id)]
        model.problems += _about(model.ledger, session_id).check({session_id: there})
    return order.hash


def _about(ledger: Ledger, session_id: str) -> Ledger:
    return Ledger({i: c for i, c in ledger.calls.items() if c.session_id == session_id})


class _Order(trio.abc.Instrument):
    """The order in which the tasks ran, as one number."""

    def __init__(self) -> None:
        self.hash = 0
        self._numbers: dict[trio.lowlevel.Task, int] = {}

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        number = self._numbers.setdefault(task, len(self._numbers))
        self.hash = hash((self.hash, number, task.name))


async def _passivate_at_every_step(runtime: Runtime) -> None:
    """What an idle time of zero would be; for so many steps, as it keeps the clock from moving."""
    for _ in range(PASSIVATING_STEPS):
        for actor in list(runtime._parts.directory._actors.values()):
            runtime._parts.directory.passivate(actor)
        await trio.lowlevel.checkpoint()


async def _caller(runtime: Runtime, model: Model, number: int, random: Random) -> None:
    known: dict[str, int] = {}
    for turn in range(CALLS):
        session_id = random.choice([*NEIGHBOURS, *NEIGHBOURS, CRASHING, POISON])
        match random.choice(["append", "append", "append", "read", "crash", "cancel", "churn"]):
            case "append":
                await _append(runtime, model, session_id, f"{number}.{turn}", random, known)
            case "cancel":
                model.count("cancelled callers")
                append = partial(
                    _append, runtime, model, session_id, f"{number}.{turn}", random, {}
                )
                await cancelled_at(random.randrange(1, 12), append)
            case "read":
                await _read(runtime, model, session_id, known)
            case "crash":
                model.count("crashes")
                crashing: Awaitable[None] = runtime._parts.directory.ask(CRASHING, Crash())
                await _expect(model, CRASHING, crashing)
            case _:
                churned = runtime.session("churned", nowait=True)
                calls: list[Callable[[], Awaitable[object]]] = [
                    churned.create,
                    churned.delete,
                    churned.undelete,
                    churned.summary,
                    partial(churned.rewind, 1),
                    partial(churned.put_records, {"key": f"{number}.{turn}"}),
                ]
                await _expect(model, "churned", random.choice(calls)())


async def _append(
    runtime: Runtime,
    model: Model,
    session_id: str,
    message_id: str,
    random: Random,
    known: dict[str, int],
) -> None:
    session = runtime.session(session_id, nowait=random.random() < 0.5)
    durable = random.choice([True, False, None])
    model.ledger.invoked(session_id, message_id)
    message = Message(role="user", content=message_id, id=message_id)
    try:
        appended = await session.append(message, durable=durable)
    except (CallerError, NotNow) as refusal:
        model.ledger.failed(message_id)
        if isinstance(refusal, MailboxFull):
            model.count("refused by a full mailbox")
        else:
            model.problems.append(f"{session_id}: an append was refused: {refusal}")
    except AgentRuntimeError as error:
        _judge(model, session_id, error)
    else:
        model.ledger.ok(message_id, appended.last_seq)
        known[session_id] = appended.last_seq


async def _read(runtime: Runtime, model: Model, session_id: str, known: dict[str, int]) -> None:
    try:
        history = await runtime.session(session_id).history()
    except SessionNotFound:
        if session_id in known:
            model.problems.append(f"{session_id} is gone")
    except AgentRuntimeError as error:
        _judge(model, session_id, error)
    else:
        if history.message_count < known.get(session_id, 0):
            model.problems.append(f"{session_id} forgot what this caller had been answered")


async def _expect(model: Model, session_id: str, answer: Awaitable[Any]) -> None:
    try:
        await answer
    except (CallerError, NotNow):
        return
    except AgentRuntimeError as error:
        _judge(model, session_id, error)


def _judge(model: Model, session_id: str, error: AgentRuntimeError) -> None:
    """Only who is at fault may notice the fault; a store that is down may tell everybody."""
    crashed = isinstance(error, SessionCrashed) and session_id == CRASHING
    rejected = session_id == POISON
    if not (crashed or rejected or isinstance(error, StoreUnavailable)):
        model.problems.append(f"{session_id}: {type(error).__name__}: {error}")


# -- a caller that gives up, at each of its checkpoints ------------------------------------------

CONFIG = RuntimeConfig(mailbox_size=1, snapshot_interval=0.01)


async def _fill(runtime: Runtime) -> None:
    """Meets a mailbox without room, and so has to wait for it."""
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            call(nursery, runtime.session("it").history)
        await trio.lowlevel.checkpoint()
        await _say(runtime, "it", "x", durable=True)


async def _delete_and_undelete(runtime: Runtime) -> None:
    await runtime.session("it").delete()
    await runtime.session("it").undelete()


async def _say(runtime: Runtime, session_id: str, message_id: str, *, durable: bool) -> None:
    message = Message(role="user", content="hello", id=message_id)
    await runtime.session(session_id).append(message, durable=durable)


CALLS_TO_CANCEL: dict[str, Callable[[Runtime], Awaitable[object]]] = {
    "append": lambda runtime: _say(runtime, "it", "x", durable=False),
    "durable append": lambda runtime: _say(runtime, "it", "x", durable=True),
    "append to a full mailbox": _fill,
    "history": lambda runtime: runtime.session("it").history(),
    "rewind": lambda runtime: runtime.session("it").rewind(1, durable=True),
    "records": lambda runtime: runtime.session("it").put_records({"k": 1}, durable=True),
    "fork": lambda runtime: runtime.session("it").fork("copy"),
    "undelete": _delete_and_undelete,
    "switch": lambda runtime: runtime.session("it").switch_agent("coder", durable=True),
    "delete": lambda runtime: runtime.session("it").delete(durable=True),
    "create": lambda runtime: runtime.create_session("new", durable=True),
    "list": lambda runtime: runtime.list_sessions(),
    "cleanup": lambda runtime: runtime.cleanup(timedelta(hours=-1)),
    "flush": lambda runtime: runtime.flush(),
}


def _cancelled_callers(report: Report, times: int) -> None:
    for seed in range(times):
        for name, work in CALLS_TO_CANCEL.items():
            for number in count(1):
                if not run_permuted(seed, partial(_cancel_one, report, name, work, number)):
                    break
                report.count("callers cancelled at one of their checkpoints")


async def _cancel_one(
    report: Report,
    name: str,
    work: Callable[[Runtime], Awaitable[object]],
    number: int,
    random: Random,
) -> bool:
    store = FakeStore()
    model = Model()
    with model.looking_for_double_activations():
        async with open_runtime(store, CONFIG, now=Watch()) as runtime:
            await _say(runtime, "it", "first", durable=random.random() < 0.5)
            cancelled = await cancelled_at(number, partial(work, runtime))
            with trio.fail_after(60):
                await _say(runtime, "it", "after", durable=True)
                await _say(runtime, "neighbour", "hello", durable=True)
            waiting = runtime._parts.persister._dirty
            report.expect(
                not any(dirty.waiters for dirty in waiting), f"{name}: a waiter was left behind"
            )
            actor = runtime._parts.directory._actors.get("it")
            report.expect(
                actor is None or actor.is_idle, f"{name}, checkpoint {number}: never idle again"
            )
    report.violations += [f"{name}, checkpoint {number}: {p}" for p in model.problems]
    there = _ids(store, "it")
    allowed = (
        [["first", "after"], ["first", "x", "after"]]
        if name not in {"delete", "cleanup", "undelete"}
        else [["first", "after"], ["after"]]
    )
    report.expect(there in allowed, f"{name}, checkpoint {number}: {there} are there")
    neighbour = _ids(store, "neighbour")
    report.expect(neighbour == ["hello"], f"{name}: the neighbour has {neighbour}")
    return cancelled


# -- poison in a batch, on a real database -------------------------------------------------------


def _poison(session: SessionState) -> None:
    """Leaves a value that no database takes: a text that is none."""
    life = session.present()
    life.last_activity = "\udcff"
    session.written(life, 0)


def _poison_on_disk(report: Report, effort: Effort) -> None:
    path = effort.folder / "poison.db"
    healthy = [f"healthy-{number}" for number in range(20)]

    async def main() -> None:
        config = RuntimeConfig(snapshot_interval=60, backoff_initial=0.01, flush_timeout=5)
        async with open_runtime(SQLiteStore.open(path), config) as runtime:
            for round_ in range(5):
                await _say(runtime, "sick", f"{round_}", durable=False)
                await runtime._parts.directory.ask("sick", Command(_poison))
                async with trio.open_nursery() as nursery:
                    for name in healthy:
                        nursery.start_soon(partial(_say, durable=True), runtime, name, f"{round_}")
                report.count("batches with a poison value in them")
            await runtime.session("sick").delete(purge=True, durable=True)

    with ExitStack() as failures:
        failures.enter_context(_noted(report, "a poison value"))
        trio.run(main)
    store = SQLiteStore.open(path)
    for name in healthy:
        report.expect(len(_ids(store, name)) == 5, f"{name} suffered from its neighbour")
    report.expect(store.load("sick") is None, "the poisoned session could not be deleted")
    store.close()


@contextmanager
def _noted(report: Report, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        report.expect(False, f"{what}: {type(error).__name__}: {error}")


# -- the persister dies --------------------------------------------------------------------------


def _dying_persister(report: Report, times: int) -> None:
    for seed in range(times):
        for error in (RuntimeError("a bug"), StoreBroken("the disk lies"), MemoryError()):
            report.count("deaths of the persister")
            ended = run_permuted(seed, partial(_die, report, error))
            report.expect(ended is error, f"the persister died of {error!r}, the runtime: {ended}")


async def _die(report: Report, cause: BaseException, random: Random) -> BaseException | None:
    store = FakeStore()
    callers = []
    try:
        with trio.fail_after(300):
            async with open_runtime(store, RuntimeConfig(), now=Watch()) as runtime:
                await _say(runtime, "s", "before", durable=True)
                store.commit_error = cause
                async with trio.open_nursery() as nursery:
                    for number in range(5):
                        durable = number > 0
                        say = partial(_say, runtime, f"s-{number}", "x", durable=durable)
                        callers.append(call(nursery, say))
                    # An embedding program that waits for something else learns of it as well.
                    await trio.sleep_forever()
    except BaseException as error:
        report.expect(store.closed == 1, "the store of a dead persister was not closed")
        there = _ids(store, "s")
        report.expect(there == ["before"], f"{there} are there")
        return error
    return None


# -- the clock jumps -----------------------------------------------------------------------------


def _jumping_clock(report: Report, times: int) -> None:
    for seed in range(times):
        run_permuted(seed, partial(_jump, report))
        report.count("jumps of the clock", 6)


async def _jump(report: Report, random: Random) -> None:
    store, watch = FakeStore(), Watch()
    jumps = random.sample([-1, -1, 365, 365, -366, 1], 6)
    said: list[str] = []
    activity = ""
    for life in range(2):
        async with open_runtime(store, RuntimeConfig(), now=watch) as runtime:
            for number, days in enumerate(jumps[3 * life : 3 * life + 3]):
                watch.turn(days=days)
                said.append(f"{life}.{number}")
                await _say(runtime, "s", said[-1], durable=random.random() < 0.5)
                await trio.sleep(random.choice([0, 2]))
                history = await runtime.session("s").history()
                report.expect(history.last_activity >= activity, "activity went backwards")
                activity = history.last_activity
            activations = runtime.statistics().directory.activations
            report.expect(activations == 1, f"a jump of the clock led to {activations} activations")
            report.expect(
                [entry.key for entry in history.entries] == said, "messages lost their order"
            )
    report.expect(_ids(store, "s") == said, "messages were lost")


def _rows(store: FakeStore | SQLiteStore, session_id: str) -> Sequence[Row]:
    stored = store.load(session_id)
    return stored.entries if stored is not None else ()


def _ids(store: FakeStore | SQLiteStore, session_id: str) -> list[str | None]:
    """The ids of the session's messages on the disk."""
    return [key for _, kind, key, *_ in _rows(store, session_id) if kind == "message"]
