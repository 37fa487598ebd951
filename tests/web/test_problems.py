import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from quart import Blueprint, abort
from quart_trio import QuartTrio

from runtime import errors
from web.problems import (
    INTERNAL,
    MIMETYPE,
    NOT_REPEATABLE,
    REPEATABLE,
    STATUSES,
    STORE_FAILS,
    OutcomeUnknown,
    install,
    status_of,
)

SECRET = "/home/me/secret.db"  # noqa: S105


def every_error(base: type[errors.AgentRuntimeError]) -> Iterator[type[errors.AgentRuntimeError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_error(child)


RAISED: list[tuple[Exception, int, str | None, str]] = [
    (errors.InvalidInput("limit: too large"), 400, None, "limit: too large"),
    (errors.SessionNotFound("s1"), 404, None, "Session s1 not found"),
    (errors.SessionExists("s1"), 409, None, "Session s1 already exists"),
    (errors.NotInTrash("'7'"), 404, None, "'7' is not in the trash"),
    (errors.KeyConflict("message", "m1", 3), 409, None, "Message id 'm1' is taken"),
    (errors.BelowFloor(2, 5), 409, None, "Version 2 cannot be gone back to"),
    (errors.PreconditionFailed("It has changed", "3-ab"), 412, None, "It has changed"),
    (errors.ExpectationFailed("k", 0, 3, "3-ab"), 412, None, "Record 'k': none was expected"),
    (
        errors.MailboxFull("s1", 7),
        429,
        "1",
        "Session s1 has too many commands waiting: the limit is 7 (mailbox_size)",
    ),
    (
        errors.StoreBehind(2, 1),
        503,
        "1",
        "2 bytes wait to be written and the limit is 1 (undurable_limit)",
    ),
    (errors.RuntimeClosed(), 503, "1", "The runtime is shutting down"),
    (errors.StoreUnavailable(SECRET), 503, "1", STORE_FAILS),
    (errors.DeltaRejected(SECRET), 503, "1", STORE_FAILS),
    (errors.StoreBroken(SECRET), 503, "1", STORE_FAILS),
    (errors.CannotOpenStore(SECRET, SECRET), 503, "1", STORE_FAILS),
    (
        OutcomeUnknown(errors.StoreUnavailable(SECRET), repeatable=True),
        503,
        "1",
        REPEATABLE,
    ),
    (
        OutcomeUnknown(errors.DeltaRejected(SECRET), repeatable=False),
        503,
        "1",
        NOT_REPEATABLE,
    ),
    (errors.SessionCrashed("s1"), 500, None, "Session s1 failed internally"),
    (KeyError(SECRET), 500, None, INTERNAL),
    (ExceptionGroup(SECRET, [KeyError(SECRET)]), 500, None, INTERNAL),
    (ExceptionGroup("", [errors.SessionNotFound("s1")]), 404, None, "Session s1 not found"),
]


def make_app(*, on_blueprint: bool) -> QuartTrio:
    app = QuartTrio(__name__)
    target = Blueprint("service", __name__) if on_blueprint else app
    install(target)

    @target.get("/raise/<int:number>")
    async def fail(number: int) -> Any:
        raise RAISED[number][0]

    @target.get("/abort/<int:status>")
    async def give_up(status: int) -> Any:
        abort(status)

    @target.get("/only-get/")
    async def only_get() -> str:
        return "got"

    if isinstance(target, Blueprint):
        app.register_blueprint(target)

        @app.get("/outside/<int:status>")
        async def outside(status: int) -> Any:
            abort(status)

    return app


@pytest.mark.parametrize("on_blueprint", [False, True])
@pytest.mark.parametrize("number", range(len(RAISED)), ids=lambda n: type(RAISED[n][0]).__name__)
async def test_an_error_becomes_its_problem(number: int, on_blueprint: bool) -> None:
    _, status, retry_after, detail = RAISED[number]
    answer = await make_app(on_blueprint=on_blueprint).test_client().get(f"/raise/{number}")
    text = await answer.get_data(as_text=True)
    problem = json.loads(text)
    assert answer.status_code == problem["status"] == status
    assert answer.content_type == MIMETYPE
    assert answer.headers.get("Retry-After") == retry_after
    assert set(problem) == {"type", "title", "status", "detail", "error"}
    assert problem["detail"].startswith(detail)
    assert problem["error"] == problem["detail"]
    assert SECRET not in text


@pytest.mark.parametrize("tag", ["3-ab", None])
async def test_a_failed_precondition_names_the_present_tag(tag: str | None) -> None:
    app = QuartTrio(__name__)
    install(app)

    @app.get("/")
    async def fail() -> Any:
        raise errors.PreconditionFailed("It has changed", tag)

    answer = await app.test_client().get("/")
    assert answer.headers.get("ETag") == (None if tag is None else f'"{tag}"')


@pytest.mark.parametrize("error", list(every_error(errors.AgentRuntimeError)))
def test_every_error_of_the_runtime_has_a_status(error: type[errors.AgentRuntimeError]) -> None:
    assert 400 <= STATUSES[next(base for base in error.__mro__ if base in STATUSES)] < 600


def test_a_caller_is_blamed_for_its_own_errors_only() -> None:
    for error in every_error(errors.AgentRuntimeError):
        instance = error.__new__(error)
        retriable = issubclass(error, errors.NotNow)
        assert (status_of(instance) < 500) == (
            issubclass(error, errors.CallerError) or error is errors.MailboxFull
        )
        assert not (retriable and status_of(instance) == 500)


async def test_a_fractional_pause_is_rounded_up() -> None:
    app = QuartTrio(__name__)
    install(app)

    @app.get("/")
    async def later() -> Any:
        error = errors.RuntimeClosed()
        error.retry_after = 2.1
        raise error

    assert (await app.test_client().get("/")).headers["Retry-After"] == "3"


async def test_unknown_paths_and_methods_are_problems() -> None:
    client = make_app(on_blueprint=False).test_client()
    missing = await client.get("/nope")
    assert (missing.status_code, missing.content_type) == (404, MIMETYPE)
    wrong = await client.post("/only-get/")
    assert (wrong.status_code, wrong.content_type) == (405, MIMETYPE)
    assert set(wrong.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("status", [400, 404, 408, 413, 415, 503])
async def test_an_http_exception_is_a_problem(status: int) -> None:
    answer = await make_app(on_blueprint=True).test_client().get(f"/abort/{status}")
    assert (answer.status_code, answer.content_type) == (status, MIMETYPE)
    assert json.loads(await answer.get_data())["error"]


async def test_a_redirect_stays_one() -> None:
    answer = await make_app(on_blueprint=False).test_client().get("/only-get")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/only-get/")


async def test_a_blueprint_leaves_the_errors_around_it_alone() -> None:
    client = make_app(on_blueprint=True).test_client()
    for path in ("/outside/409", "/nope"):
        assert (await client.get(path)).content_type != MIMETYPE


async def test_an_unexpected_error_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    number = next(i for i, raised in enumerate(RAISED) if isinstance(raised[0], KeyError))
    await make_app(on_blueprint=False).test_client().get(f"/raise/{number}")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.name == "web.problems"
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


@pytest.mark.parametrize("error", [errors.SessionNotFound("s1"), errors.MailboxFull("s1", 7)])
async def test_what_is_the_callers_doing_is_not_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    number = next(i for i, raised in enumerate(RAISED) if type(raised[0]) is type(error))
    await make_app(on_blueprint=False).test_client().get(f"/raise/{number}")
    assert [record for record in caplog.records if record.name.startswith("web")] == []
