"""The clients' methods: one for each function in `calls`.

Both clients inherit this one list. A function says what is sent; the client that a method is called
on says how: `ask`, `each`, `walk` and `stream`, which wait in the one and are awaited in the other.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper
from inspect import Parameter, Signature, signature
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, Self, TypeVar, overload

from web.clients.calls import (
    agents,
    approvals,
    context,
    drafts,
    events,
    exports,
    finding,
    histories,
    log,
    maintenance,
    messages,
    records,
    sessions,
    trash,
    turns,
    usage,
)
from web.clients.core.call import Ask, Pages, Steps
from web.clients.core.course import Stream

if TYPE_CHECKING:
    from web.clients.awaited import AsyncAgentRuntimeClient
    from web.clients.client import AgentRuntimeClient
    from web.clients.core.awaiting import AsyncStreaming
    from web.clients.core.streaming import Streaming

P = ParamSpec("P")
T = TypeVar("T")


class _Method(Generic[P]):
    """What a client does with what a function makes. Called like a method of the client."""

    way: ClassVar[str]
    """The client's method that takes it."""

    def __init__(self, make: Callable[P, Any]) -> None:
        self._make = make
        update_wrapper(self, make)

    def __call__(self, client: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return getattr(client, self.way)(self._make(*args, **kwargs))

    @property
    def __signature__(self) -> Signature:
        """For `help` and the like: the function's, behind the client."""
        own = signature(self._make)
        client = Parameter("self", Parameter.POSITIONAL_ONLY)
        return own.replace(
            parameters=[client, *own.parameters.values()], return_annotation=Signature.empty
        )

    def _of(self, client: Any) -> Any:
        return self if client is None else MethodType(self, client)


class Asked(_Method[P], Generic[P, T]):
    """Sends one call."""

    way = "ask"

    def __init__(self, make: Callable[P, Ask[T]]) -> None:
        super().__init__(make)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "AgentRuntimeClient", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, client: "AsyncAgentRuntimeClient", owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self._of(client)


class Paged(_Method[P], Generic[P, T]):
    """Goes through all pages of an answer."""

    way = "each"

    def __init__(self, make: Callable[P, Pages[T]]) -> None:
        super().__init__(make)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "AgentRuntimeClient", owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, client: "AsyncAgentRuntimeClient", owner: type
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self._of(client)


class Walked(_Method[P], Generic[P, T]):
    """Sends several calls, one after the other."""

    way = "walk"

    def __init__(self, make: Callable[P, Steps[T]]) -> None:
        super().__init__(make)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "AgentRuntimeClient", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, client: "AsyncAgentRuntimeClient", owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self._of(client)


class Streamed(_Method[P], Generic[P, T]):
    """Reads an answer as it comes."""

    way = "stream"

    def __init__(self, make: Callable[P, Stream[T]]) -> None:
        super().__init__(make)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "AgentRuntimeClient", owner: type) -> "Callable[P, Streaming[T]]": ...
    @overload
    def __get__(
        self, client: "AsyncAgentRuntimeClient", owner: type
    ) -> "Callable[P, AsyncStreaming[T]]": ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self._of(client)


class Methods:
    """All calls of a service."""

    create_session = Asked(sessions.create_session)
    get_session = Asked(sessions.get_session)
    get_tag = Asked(sessions.get_tag)
    patch_session = Asked(sessions.patch_session)
    delete_session = Asked(sessions.delete_session)
    list_sessions = Asked(sessions.list_sessions)
    iter_sessions = Paged(sessions.iter_sessions)
    fork_session = Asked(sessions.fork_session)

    current_agent = Asked(agents.current_agent)
    switch_agent = Asked(agents.switch_agent)

    append_messages = Asked(messages.append_messages)
    get_messages = Asked(messages.get_messages)
    iter_messages = Paged(messages.iter_messages)
    history = Asked(histories.history)
    resume = Asked(histories.resume)

    append_entries = Asked(log.append_entries)
    get_log = Asked(log.get_log)
    iter_log = Paged(log.iter_log)
    iter_log_back = Paged(log.iter_log_back)
    last_of_log = Asked(log.last_of_log)
    tagged_last_of_log = Asked(log.tagged_last_of_log)
    rewind = Asked(log.rewind)
    redact = Asked(log.redact)

    put_records = Asked(records.put_records)
    get_records = Asked(records.get_records)
    iter_records = Paged(records.iter_records)
    first_records = Asked(records.first_records)

    get_context = Asked(context.get_context)
    compact = Asked(context.compact)

    append_draft = Asked(drafts.append_draft)
    drop_draft = Asked(drafts.drop_draft)

    take_turn = Asked(turns.take_turn)
    get_turn = Asked(turns.get_turn)
    end_turn = Asked(turns.end_turn)
    cancel_turn = Asked(turns.cancel_turn)

    ask_approval = Asked(approvals.ask_approval)
    get_approval = Asked(approvals.get_approval)
    wait_approval = Walked(approvals.wait_approval)
    decide_approval = Asked(approvals.decide_approval)
    list_approvals = Asked(approvals.list_approvals)
    iter_approvals = Paged(approvals.iter_approvals)
    list_pending = Asked(approvals.list_pending)
    iter_pending = Paged(approvals.iter_pending)

    report_usage = Asked(usage.report_usage)
    get_usage = Asked(usage.get_usage)
    iter_usage = Paged(usage.iter_usage)
    get_all_usage = Asked(usage.get_all_usage)
    iter_all_usage = Paged(usage.iter_all_usage)
    get_timeline = Asked(usage.get_timeline)
    iter_timeline = Paged(usage.iter_timeline)

    search = Asked(finding.search)
    iter_search = Paged(finding.iter_search)

    export_session = Streamed(exports.export_session)
    import_session = Walked(exports.import_session)

    get_trash = Asked(trash.get_trash)
    iter_trash = Paged(trash.iter_trash)
    undelete_session = Asked(trash.undelete_session)
    purge_trashed = Asked(trash.purge_trashed)

    follow_session = Streamed(events.follow_session)
    follow_all = Streamed(events.follow_all)

    cleanup = Asked(maintenance.cleanup)
    health = Asked(maintenance.health)
    list_nodes = Asked(maintenance.list_nodes)
    openapi = Asked(maintenance.openapi)
