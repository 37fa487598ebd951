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

from runtime import (
    AgentRuntimeError,
    ApprovalNotFound,
    ApprovalSettled,
    BelowFloor,
    CallerError,
    DoesNotFit,
    DraftConflict,
    InvalidInput,
    KeyConflict,
    LogConflict,
    MailboxFull,
    NotInTrash,
    NotNow,
    NoTurn,
    PreconditionFailed,
    RuntimeClosed,
    SessionCrashed,
    SessionExists,
    SessionNotFound,
    StoreBehind,
    StoreError,
    TurnHeld,
    WrongOffset,
)
from web.http.message import Response
from web.http.problem import problem

STATUSES: Mapping[type[AgentRuntimeError], HTTPStatus] = MappingProxyType(
    {
        CallerError: HTTPStatus.BAD_REQUEST,
        InvalidInput: HTTPStatus.BAD_REQUEST,
        SessionNotFound: HTTPStatus.NOT_FOUND,
        SessionExists: HTTPStatus.CONFLICT,
        NotInTrash: HTTPStatus.NOT_FOUND,
        KeyConflict: HTTPStatus.CONFLICT,
        LogConflict: HTTPStatus.CONFLICT,
        BelowFloor: HTTPStatus.CONFLICT,
        DoesNotFit: HTTPStatus.CONFLICT,
        DraftConflict: HTTPStatus.CONFLICT,
        TurnHeld: HTTPStatus.CONFLICT,
        NoTurn: HTTPStatus.CONFLICT,
        ApprovalNotFound: HTTPStatus.NOT_FOUND,
        ApprovalSettled: HTTPStatus.CONFLICT,
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
UNKNOWN_ELSEWHERE = (
    "The node that has the session went before it had answered, so the outcome is unknown, not "
    "undone: sending the same again later is safe, and has one effect, if it has ids of its own; "
    "without, look first what is there"
)
ASK_AGAIN = "The node that has the session does not answer at the moment; ask again later"
INTERNAL = "The service failed internally; its log says how"

log = logging.getLogger(__name__)


class Refused(Exception):
    """The web layer refuses a request, before the runtime is asked."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


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


def status_of(error: AgentRuntimeError) -> HTTPStatus:
    """The status of its class, or else of the nearest base that has one."""
    return next(STATUSES[base] for base in type(error).__mro__ if base in STATUSES)


def problem_of(error: Exception) -> Response:
    """The answer to a request that ended with this error. Logs what is not the caller's doing."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]  # a nursery's wrapping
    if isinstance(error, Refused):
        return problem(error.status, str(error), error.headers)
    if isinstance(error, AgentRuntimeError):
        return _of_the_runtime(error)
    log.error("Answered 500: a request failed in a way nobody expected", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL)


def _of_the_runtime(error: AgentRuntimeError) -> Response:
    status = status_of(error)
    detail = str(error)
    headers: list[tuple[str, str]] = []
    if isinstance(error, NotNow | StoreError):
        # Whole seconds are all that the header can say; 0 would invite a busy loop.
        headers.append(("Retry-After", str(max(1, ceil(error.retry_after)))))
    if isinstance(error, PreconditionFailed) and error.tag is not None:
        headers.append(("ETag", f'"{error.tag}"'))
    if isinstance(error, StoreError):
        # A store's message names files and SQL: for the operator, not for the caller.
        log.warning("Answered %d: %s: %s", status, type(error).__name__, error)
        detail = error.detail if isinstance(error, OutcomeUnknown) else STORE_FAILS
    elif not isinstance(error, CallerError | NotNow):
        log.error("Answered %d: %s", status, type(error).__name__, exc_info=error)
    more = {"offset": error.offset} if isinstance(error, WrongOffset) else None
    return problem(status, detail, headers, more)
