"""Whatever becomes of the connection, the outcome of a commit is known."""

import threading

import psycopg
import pytest

from runtime import StoreBroken, StoreUnavailable
from tests.persistence.postgres.nodes.place import Node, Place, insert
from tests.postgres.cutting import COMMIT, Cutter

STEP = 37
"""Bytes between two places where a connection is cut: less than any message, and no divisor."""


@pytest.fixture
def node(place: Place, cutter: Cutter) -> Node:
    node = place.node(url=cutter.url(place.url))
    node.write("zero")
    return node


@pytest.mark.parametrize("pipelined", [True, False])
def test_what_is_committed_is_there(place: Place, node: Node, pipelined: bool) -> None:
    node.write("one", pipelined=pipelined)
    node.write("two", "three", pipelined=pipelined)
    assert place.written() == ["zero", "one", "two", "three"]


def test_in_steps_the_block_may_look_at_what_it_has_done(place: Place, node: Node) -> None:
    with node.writer.transaction([0], pipelined=False) as sql:
        insert(sql, node.id, "one")
        found = sql.execute("SELECT count(*) FROM agent_runtime.written").fetchall()
    assert found == [(2,)]


def test_in_steps_a_part_can_be_taken_back(place: Place, node: Node) -> None:
    with node.writer.transaction([0], pipelined=False) as sql:
        insert(sql, node.id, "one")
        with pytest.raises(psycopg.IntegrityError), sql.transaction():
            insert(sql, node.id, "two", "zero")
        insert(sql, node.id, "three")
    assert place.written() == ["zero", "one", "three"]


# -- errors that lie in the values -------------------------------------------------------------


@pytest.mark.parametrize("pipelined", [True, False])
def test_the_databases_error_of_a_value_is_raised_as_it_is(node: Node, pipelined: bool) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        node.write("one", "zero", "two", pipelined=pipelined)


@pytest.mark.parametrize("pipelined", [True, False])
def test_so_is_one_that_never_came_to_the_database(node: Node, pipelined: bool) -> None:
    with pytest.raises(psycopg.DataError):
        node.write("one", "\0", pipelined=pipelined)


@pytest.mark.parametrize("pipelined", [True, False])
def test_so_is_one_of_the_block(node: Node, pipelined: bool) -> None:
    with pytest.raises(ZeroDivisionError), node.writer.transaction([0], pipelined=pipelined):
        _ = 1 / 0


@pytest.mark.parametrize("wrong", ["zero", "\0"])
@pytest.mark.parametrize("pipelined", [True, False])
def test_behind_such_an_error_nothing_is_written_and_the_next_commit_works(
    place: Place, node: Node, pipelined: bool, wrong: str
) -> None:
    with pytest.raises(psycopg.Error):
        node.write("one", wrong, "two", pipelined=pipelined)
    node.write("one", "two", pipelined=pipelined)
    assert place.written() == ["zero", "one", "two"]


def test_an_error_that_the_block_swallows_lets_nothing_be_committed(
    place: Place, node: Node
) -> None:
    transaction = node.writer.transaction([0], pipelined=False)
    sql = transaction.__enter__()
    insert(sql, node.id, "one")
    with pytest.raises(psycopg.IntegrityError):
        insert(sql, node.id, "zero")
    with pytest.raises(StoreUnavailable, match="ROLLBACK"):
        transaction.__exit__(None, None, None)
    assert place.written() == ["zero"]


# -- a connection that is lost -----------------------------------------------------------------


def attempt(node: Node, text: str, pipelined: bool) -> bool:
    """Whether it is known to be committed; if not, it is known not to be."""
    try:
        node.write(text, pipelined=pipelined)
    except StoreUnavailable:
        return False
    return True


@pytest.mark.parametrize("pipelined", [True, False])
def test_lost_anywhere_on_the_way_there_the_outcome_is_what_it_is(
    place: Place, node: Node, cutter: Cutter, pipelined: bool
) -> None:
    committed = ["zero"]
    at, plan = 0, None
    while plan is None or plan.happened.is_set():  # until it lies behind the transaction's end
        plan = cutter.lose(at)
        if attempt(node, f"at {at}", pipelined):
            committed.append(f"at {at}")
        assert place.written() == committed
        at += STEP
    assert committed[-1] == f"at {at - STEP}"


@pytest.mark.parametrize("pipelined", [True, False])
def test_lost_anywhere_on_the_way_back_the_outcome_is_what_it_is(
    place: Place, node: Node, cutter: Cutter, pipelined: bool
) -> None:
    committed = ["zero"]
    at, plan = 0, None
    while plan is None or plan.happened.is_set():
        plan = cutter.lose_answer(at)
        if attempt(node, f"at {at}", pipelined):
            committed.append(f"at {at}")
        assert place.written() == committed
        at += STEP
    assert len(committed) > 1


def test_with_the_answer_lost_it_was_committed(place: Place, node: Node, cutter: Cutter) -> None:
    plan = cutter.lose_answer(0)
    node.write("one")
    assert plan.happened.is_set()
    assert place.written() == ["zero", "one"]


def test_lost_before_commit_has_left_it_was_not(place: Place, node: Node, cutter: Cutter) -> None:
    cutter.lose(COMMIT)
    with pytest.raises(StoreUnavailable):
        node.write("one")
    assert place.written() == ["zero"]


def test_a_larger_batch_behind_one_that_was_committed(
    place: Place, node: Node, cutter: Cutter
) -> None:
    cutter.lose_answer(0)
    node.write("one")
    node.write(*(f"more {number}" for number in range(300)))
    assert place.written() == ["zero", "one", *(f"more {number}" for number in range(300))]


def test_a_larger_batch_behind_one_that_was_not(place: Place, node: Node, cutter: Cutter) -> None:
    cutter.lose(COMMIT)
    with pytest.raises(StoreUnavailable):
        node.write("one")
    node.write("one", *(f"more {number}" for number in range(300)))
    assert place.written() == ["zero", "one", *(f"more {number}" for number in range(300))]


def test_a_large_batch_that_is_lost_halfway_is_not_there(
    place: Place, node: Node, cutter: Cutter
) -> None:
    """What the database had of it filled its buffers, so it has answered some of it."""
    cutter.lose(200_000)
    with pytest.raises(StoreUnavailable):
        node.write(*(f"{number} " + "x" * 1_000 for number in range(300)))
    assert place.written() == ["zero"]


# -- the question is lost, too -----------------------------------------------------------------


@pytest.mark.parametrize("at", range(0, 1_000, 97))
def test_a_question_that_is_lost_is_asked_again(
    place: Place, node: Node, cutter: Cutter, at: int
) -> None:
    def lose_the_question_as_well() -> None:
        cutter.before_connecting = None
        cutter.lose_answer(at)

    cutter.lose_answer(0)
    cutter.before_connecting = lose_the_question_as_well
    node.write("one")
    node.write("two")
    assert place.written() == ["zero", "one", "two"]


def test_who_waits_for_an_outcome_is_told_when_it_is_closed(
    place: Place, node: Node, cutter: Cutter
) -> None:
    raised: list[BaseException] = []

    def write() -> None:
        try:
            node.write("one")
        except StoreBroken as error:
            raised.append(error)

    cutter.lose_answer(0)
    is_asking = threading.Event()

    def refuse() -> None:
        is_asking.set()
        raise ConnectionRefusedError

    cutter.before_connecting = refuse
    writing = threading.Thread(target=write)
    writing.start()
    is_asking.wait()
    node.writer.close()
    writing.join()
    assert len(raised) == 1


def test_closing_ends_a_wait_for_the_database(place: Place, node: Node) -> None:
    """Somebody has locked the row and does not go on."""
    raised: list[BaseException] = []

    def write() -> None:
        try:
            node.write("one")
        except StoreBroken as error:
            raised.append(error)

    with psycopg.connect(place.url) as holder:
        holder.execute("SELECT FROM agent_runtime.fence FOR UPDATE")
        writing = threading.Thread(target=write)
        writing.start()
        place.wait_until_somebody_waits()
        node.writer.close()
        writing.join()
    assert len(raised) == 1


def test_behind_its_end_it_takes_nothing(node: Node) -> None:
    node.writer.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        node.write("one")


# -- a database that is away -------------------------------------------------------------------


def test_a_connection_lost_between_two_commits_is_made_again(
    place: Place, node: Node, cutter: Cutter
) -> None:
    """And costs no commit."""
    cutter.cut_all()
    place.end_connections()
    node.write("one")
    assert place.written() == ["zero", "one"]


def test_nothing_is_unknown_where_nothing_was_sent(
    place: Place, node: Node, cutter: Cutter
) -> None:
    """So nobody has to wait for the database to come back."""
    cutter.before_connecting = refused
    cutter.lose(b"INSERT")
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            node.write("one", pipelined=False)
    cutter.before_connecting = None
    node.write("one")
    assert place.written() == ["zero", "one"]


def refused() -> None:
    raise ConnectionRefusedError
