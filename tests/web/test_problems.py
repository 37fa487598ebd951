"""Each error is answered with its status, a sentence, and nothing that is not the caller's."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from runtime import errors
from web.call.problems import (
    INTERNAL,
    NOT_REPEATABLE,
    REPEATABLE,
    STATUSES,
    STORE_FAILS,
    OutcomeUnknown,
    Refused,
    problem_of,
    status_of,
)
from web.http.message import Headers
from web.http.problem import MIMETYPE

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
    (Refused(HTTPStatus.REQUEST_TIMEOUT, "too slow"), 408, None, "too slow"),
    (Refused(HTTPStatus.SERVICE_UNAVAILABLE, "full", (("Retry-After", "2"),)), 503, "2", "full"),
    (KeyError(SECRET), 500, None, INTERNAL),
    (ExceptionGroup(SECRET, [KeyError(SECRET)]), 500, None, INTERNAL),
    (ExceptionGroup("", [errors.SessionNotFound("s1")]), 404, None, "Session s1 not found"),
]


@pytest.mark.parametrize(
    ("error", "status", "retry_after", "detail"),
    RAISED,
    ids=[type(error).__name__ for error, *_ in RAISED],
)
def test_an_error_becomes_its_problem(
    error: Exception, status: int, retry_after: str | None, detail: str
) -> None:
    answer = problem_of(error)
    assert isinstance(answer.body, bytes)
    problem = json.loads(answer.body)
    head = Headers(answer.headers)
    assert answer.status == problem["status"] == status
    assert head.get("content-type") == MIMETYPE
    assert head.get("retry-after") == retry_after
    assert set(problem) == {"type", "title", "status", "detail", "error"}
    assert problem["detail"].startswith(detail)
    assert problem["error"] == problem["detail"]
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("tag", ["3-ab", None])
def test_a_failed_precondition_names_the_present_tag(tag: str | None) -> None:
    answer = problem_of(errors.PreconditionFailed("It has changed", tag))
    assert Headers(answer.headers).get("etag") == (None if tag is None else f'"{tag}"')


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


def test_a_fractional_pause_is_rounded_up() -> None:
    error = errors.RuntimeClosed()
    error.retry_after = 2.1
    assert Headers(problem_of(error).headers).get("retry-after") == "3"


def test_an_unexpected_error_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    problem_of(KeyError(SECRET))
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.name == "web.call.problems"
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


@pytest.mark.parametrize(
    "error",
    [
        errors.SessionNotFound("s1"),
        errors.MailboxFull("s1", 7),
        Refused(HTTPStatus.BAD_REQUEST, "no"),
    ],
)
def test_what_is_the_callers_doing_is_not_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    problem_of(error)
    assert [record for record in caplog.records if record.name.startswith("web")] == []
