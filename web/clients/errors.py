"""What goes wrong between a client and the service, split by whose fault it is.

Adapters raise their framework's own exception where it has one for the case, with the same text.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol


class AgentRuntimeError(Exception):
    """Everything that this package raises."""


class ServiceUnreachable(AgentRuntimeError):
    """Nobody answers at the address, or not in time."""

    def __init__(self, message: str, *, was_sent: bool, is_final: bool = False) -> None:
        super().__init__(message)
        self.was_sent = was_sent
        """Whether the service may have got the call, and may have done as it says."""
        self.is_final = is_final
        """Whether it cannot come back: it was in this process, and has ended."""


class Unchanged(AgentRuntimeError):
    """The session is as the caller knows it: what was sent as `if_none_match` is its tag still."""


class Refused(AgentRuntimeError):
    """The service answered, and did not do as it was asked."""

    def __init__(self, status: int, detail: str, problem: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problem = problem
        """The whole answer: RFC 9457's members, and what this kind of refusal adds to them."""


class InvalidCall(Refused):
    """400, 415 and the like: it will be refused however often it is sent."""


class AccessRefused(Refused):
    """401, 403, 421: the token is missing or wrong, or the service does not expect this caller."""


class NotFound(Refused):
    """404, 410: there is no such session, or no such thing in it."""


class Conflict(Refused):
    """409: something else is there already."""


class PreconditionFailed(Refused):
    """412: the session is not, or no longer, as the caller expected."""


class TooLarge(Refused):
    """413: beyond one of the service's limits, which the detail names."""


class ServiceUnavailable(Refused):
    """503 and other faults of the service's side: what became of a write is not known."""


_CLASSES: Mapping[int, type[Refused]] = {
    401: AccessRefused,
    403: AccessRefused,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: PreconditionFailed,
    413: TooLarge,
    421: AccessRefused,
}


class _Reply(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def content(self) -> bytes: ...


def refusal_of(outcome: _Reply | ServiceUnreachable) -> AgentRuntimeError:
    """The error for what is no answer to what was asked."""
    if isinstance(outcome, ServiceUnreachable):
        return outcome
    if outcome.status == 304:
        return Unchanged("The session is as it was")
    try:
        found = json.loads(outcome.content)
    except ValueError:  # something in between, a proxy say, answers in its own words
        found = None
    return refusal(outcome.status, found if isinstance(found, dict) else {})


def refusal(status: int, problem: Mapping[str, Any]) -> Refused:
    """The error for an answer of 400 or above."""
    usual = ServiceUnavailable if status >= 500 else InvalidCall
    detail = problem.get("detail") or problem.get("error") or f"The service answered {status}"
    return _CLASSES.get(status, usual)(status, str(detail), problem)
