"""AgentRuntimeClient: the API, for programs that wait."""

from collections.abc import Callable, Iterator
from functools import update_wrapper
from typing import Generic, ParamSpec, Self, TypeVar, overload

from web.clients.calls import log, records, sessions
from web.clients.core.asking import ask, each
from web.clients.core.call import Ask, Pages, Transport
from web.clients.core.place import Place
from web.clients.core.wire import Wire

P = ParamSpec("P")
T = TypeVar("T")


class _Asked(Generic[P, T]):
    """A method of the client that sends what a function makes of its arguments."""

    def __init__(self, make: Callable[P, Ask[T]]) -> None:
        self._make = make
        update_wrapper(self, make)  # type: ignore[arg-type]

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "AgentRuntimeClient", owner: type) -> Callable[P, T]: ...
    def __get__(self, client: "AgentRuntimeClient | None", owner: type) -> Self | Callable[P, T]:
        if client is None:
            return self
        transport, make = client.transport, self._make

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return ask(transport, make(*args, **kwargs))

        return call


class _Paged(Generic[P, T]):
    """A method of the client that goes through all pages of an answer."""

    def __init__(self, make: Callable[P, Pages[T]]) -> None:
        self._make = make
        update_wrapper(self, make)  # type: ignore[arg-type]

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: "AgentRuntimeClient", owner: type) -> Callable[P, Iterator[T]]: ...
    def __get__(
        self, client: "AgentRuntimeClient | None", owner: type
    ) -> Self | Callable[P, Iterator[T]]:
        if client is None:
            return self
        transport, make = client.transport, self._make

        def call(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            return each(transport, make(*args, **kwargs))

        return call


class AgentRuntimeClient:
    """The API of one service. Used by any number of threads at one time.

    Every call raises `Refused` or `ServiceUnreachable`, see `web.clients.errors`. A call whose
    answer got lost is sent again where that is safe, which all appends are.
    """

    def __init__(
        self, url: str | None = None, *, token: str | None = None, runtime: Transport | None = None
    ) -> None:
        """`url` and `token`: without them, `AGENT_RUNTIME_URL` and `AGENT_RUNTIME_TOKEN`.

        `runtime`: a runtime in this process, in place of a URL, see `web.clients.embedded`. It
        stays open when the client is closed.
        """
        self._owned = Wire(Place.of(url, token)) if runtime is None else None
        transport: Transport | None = runtime if self._owned is None else self._owned
        assert transport is not None
        self.transport: Transport = transport

    def close(self) -> None:
        """Closes the connections. Said twice, it is the same."""
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    create_session = _Asked(sessions.create_session)
    get_session = _Asked(sessions.get_session)
    patch_session = _Asked(sessions.patch_session)
    delete_session = _Asked(sessions.delete_session)
    iter_sessions = _Paged(sessions.iter_sessions)
    fork_session = _Asked(sessions.fork_session)

    append_entries = _Asked(log.append_entries)
    iter_log = _Paged(log.iter_log)
    iter_log_back = _Paged(log.iter_log_back)
    last_of_log = _Asked(log.last_of_log)
    tagged_last_of_log = _Asked(log.tagged_last_of_log)
    rewind = _Asked(log.rewind)

    put_records = _Asked(records.put_records)
    iter_records = _Paged(records.iter_records)
    first_records = _Asked(records.first_records)
