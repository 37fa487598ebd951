"""One table: error -> status. Every refusal leaves as `application/problem+json`.

The members are RFC 9457's `type`, `title`, `status`, `detail`, and `error`, which repeats `detail`
for the guide's clients. What a caller did wrong is told in full; what went wrong inside is not.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from math import ceil
from types import MappingProxyType

from quart import Blueprint, Quart, Response
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from runtime import (
    AgentRuntimeError,
    BelowFloor,
    CallerError,
    InvalidInput,
    KeyConflict,
    MailboxFull,
    NotInTrash,
    NotNow,
    PreconditionFailed,
    RuntimeClosed,
    SessionCrashed,
    SessionExists,
    SessionNotFound,
    StoreBehind,
    StoreError,
)
from web.http.listen import CannotServe as CannotServe
from web.http.problem import MIMETYPE as MIMETYPE
from web.http.problem import problem_body as problem_body

STATUSES: Mapping[type[AgentRuntimeError], HTTPStatus] = MappingProxyType(
    {
        CallerError: HTTPStatus.BAD_REQUEST,
        InvalidInput: HTTPStatus.BAD_REQUEST,
        SessionNotFound: HTTPStatus.NOT_FOUND,
        SessionExists: HTTPStatus.CONFLICT,
        NotInTrash: HTTPStatus.NOT_FOUND,
        KeyConflict: HTTPStatus.CONFLICT,
        BelowFloor: HTTPStatus.CONFLICT,
        PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
        NotNow: HTTPStatus.SERVICE_UNAVAILABLE,
        MailboxFull: HTTPStatus.TOO_MANY_REQUESTS,
        StoreBehind: HTTPStatus.SERVICE_UNAVAILABLE,
        RuntimeClosed: HTTPStatus.SERVICE_UNAVAILABLE,
        StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
        SessionCrashed: HTTPStatus.INTERNAL_SERVER_ERROR,
        AgentRuntimeError: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
"""A class that is not here has the status of its nearest base that is."""

STORE_FAILS = "The store fails at the moment; ask again later"
REPEATABLE = (
    "The store fails at the moment, so the outcome is unknown, not undone: "
    "sending the same again later is safe, and has one effect"
)
NOT_REPEATABLE = (
    "The store fails at the moment, so the outcome is unknown, not undone: look later what is "
    "there before sending it again; with an id of its own it could be repeated without looking"
)
INTERNAL = "The service failed internally; its log says how"

log = logging.getLogger(__name__)


class OutcomeUnknown(StoreError):
    """A write was not confirmed: whether sending it again is safe depends on what it says."""

    def __init__(self, cause: StoreError, *, repeatable: bool) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.retry_after = cause.retry_after
        self.detail = REPEATABLE if repeatable else NOT_REPEATABLE


@contextmanager
def write(*, repeatable: bool) -> Iterator[None]:
    """Around a call that writes: what to say if the store fails.

    `repeatable` is whether the same request again has no second effect: it names what it makes, or
    says what is to be.
    """
    try:
        yield
    except StoreError as error:
        raise OutcomeUnknown(error, repeatable=repeatable) from error


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        problem_body(status, detail), status, dict(headers or {}), content_type=MIMETYPE
    )


def status_of(error: AgentRuntimeError) -> HTTPStatus:
    return next(STATUSES[base] for base in type(error).__mro__ if base in STATUSES)


async def on_runtime_error(error: AgentRuntimeError) -> Response:
    status = status_of(error)
    detail = str(error)
    headers: dict[str, str] = {}
    if isinstance(error, NotNow | StoreError):
        # Whole seconds are all that the header can say; 0 would invite a busy loop.
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    if isinstance(error, PreconditionFailed) and error.tag is not None:
        headers["ETag"] = f'"{error.tag}"'
    if isinstance(error, StoreError):
        # A store's message names files and SQL: for the operator, not for the caller.
        log.warning("Answered %d: %s: %s", status, type(error).__name__, error)
        detail = error.detail if isinstance(error, OutcomeUnknown) else STORE_FAILS
    elif not isinstance(error, CallerError | NotNow):
        log.error("Answered %d: %s", status, type(error).__name__, exc_info=error)
    return problem(status, detail, headers)


async def on_http_exception(error: HTTPException) -> Response | WerkzeugResponse:
    status = error.code
    if error.response is not None or status is None or status < 400:
        return error.get_response()  # a redirect, or abort(response)
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return problem(status, error.description or HTTPStatus(status).phrase, headers)


async def on_unexpected_error(error: Exception) -> Response:
    log.error("Answered 500: a request failed in a way nobody expected", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL)


async def on_error(error: Exception) -> Response | WerkzeugResponse:
    """The answer to whatever an endpoint raised."""
    if isinstance(error, AgentRuntimeError):
        return await on_runtime_error(error)
    if isinstance(error, HTTPException):
        return await on_http_exception(error)
    return await on_unexpected_error(error)


def install(target: Quart | Blueprint) -> None:
    """Render every error of `target` as a problem.

    On a blueprint this covers what its own routes raise, and nothing of the app around it.
    """
    target.register_error_handler(AgentRuntimeError, on_runtime_error)
    target.register_error_handler(HTTPException, on_http_exception)
    target.register_error_handler(Exception, on_unexpected_error)
