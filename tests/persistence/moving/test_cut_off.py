"""A move that ends in the middle, however that is: the target is as it was before."""

import signal
from pathlib import Path

import psycopg
import pytest

from persistence import move
from tests.persistence.builders import other_process
from tests.persistence.moving.kept import content, filled, opened

MOVE = """
import sys
from persistence import move, moving

moving.TELL_EVERY = 1

def stop(what, done, total):
    if what == sys.argv[3]:
        print(what, flush=True)
        sys.stdin.read()

move(sys.argv[1], sys.argv[2], stop)
"""
"""Stops in the middle of a step, until it is killed."""

INTERRUPTED = """
import signal, sys
from persistence import moving
from web.cli import commands

moving.TELL_EVERY = 1
move = commands.move

def interrupt(what, done, total):
    if what == sys.argv[3]:
        print(what, flush=True)
        signal.raise_signal(signal.SIGINT)

commands.move = lambda source, target, progress: move(source, target, interrupt)
commands.main(["move", *sys.argv[1:3]], prog_name="agent-runtime")
"""
"""The command, which somebody ends with CTRL_C in the middle of a step."""


def is_there(target: str) -> bool:
    """Whether anything has the target's name."""
    if target.startswith("sqlite"):
        return Path(target.removeprefix("sqlite:///")).exists()
    with psycopg.connect(target) as connection:
        [(found,)] = connection.execute("SELECT to_regnamespace('agent_runtime')").fetchall()
    return found is not None


@pytest.mark.parametrize("step", ["copying", "verifying"])
def test_after_a_kill_there_is_no_target_and_the_next_move_makes_one(
    source: str, target: str, step: str
) -> None:
    before = filled(source)
    with other_process(MOVE, source, target, step):
        pass
    assert not is_there(target)
    move(source, target)
    assert content(target) == before
    assert content(source) == before


def test_after_a_kill_an_empty_database_is_what_it_was(source: str, target: str) -> None:
    before = filled(source)
    with opened(target):
        pass
    with other_process(MOVE, source, target, "verifying"):
        pass
    with opened(target) as store:
        assert store.count() == 0
    move(source, target)
    assert content(target) == before


@pytest.mark.parametrize("step", ["copying", "verifying"])
def test_an_interrupted_command_says_so_and_leaves_nothing(
    source: str, target: str, step: str, tmp_path: Path
) -> None:
    filled(source)
    before = {path.name for path in tmp_path.iterdir()}
    with other_process(INTERRUPTED, source, target, step) as other:
        assert other.wait(60) == 128 + signal.SIGINT
    assert not is_there(target)
    # Who owned a file is said beside it, for as long as its folder is there.
    left = {path.name for path in tmp_path.iterdir()} - before
    assert left <= {"target.db.lock"}
