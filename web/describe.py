"""What an endpoint reads and answers, noted on the endpoint itself for the OpenAPI document."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import field, frozen

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_agent_runtime_operation"


@frozen
class Operation:
    """An endpoint's classes, as in `web.schemas`."""

    answers: Mapping[int, Any]
    """By status; `None`: no body."""
    body: Any = None
    query: Any = None
    problems: Sequence[int] = field(default=())
    """The statuses that are this endpoint's own; what every endpoint may answer goes without."""


def describe(
    answers: Mapping[int, Any],
    *,
    body: Any = None,
    query: Any = None,
    problems: Sequence[int] = (),
) -> Callable[[F], F]:
    """Notes an `Operation` on an endpoint. One without such a note is not documented."""

    def decorate(endpoint: F) -> F:
        setattr(endpoint, _ATTRIBUTE, Operation(answers, body, query, problems))
        return endpoint

    return decorate


def operation_of(endpoint: Callable[..., Any]) -> Operation | None:
    """What was noted on the endpoint."""
    return getattr(endpoint, _ATTRIBUTE, None)
