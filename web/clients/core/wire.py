"""Calls over HTTP, by httpx."""

from collections.abc import Iterator, Mapping
from weakref import finalize

import httpx
from attrs import define, field, frozen

from web.clients.core.call import Answer, Call, Reply
from web.clients.core.place import Place
from web.clients.errors import ServiceUnreachable

CONNECT = 5.0
"""Seconds: a service is near, and one that does not take a connection in that time is away."""


@define(eq=False)
class Wire:
    """Implements `Transport` over a pool of connections."""

    _place: Place
    _http: httpx.Client = field(init=False)

    def __attrs_post_init__(self) -> None:
        # `trust_env=False`: a proxy for the internet has no business between an agent and its
        # memory, and the environment's .netrc must not replace the token.
        self._http = httpx.Client(
            base_url=self._place.url,
            headers=self._place.headers,
            trust_env=False,
            # To read all certificates takes 40 ms, and some make a client for each session.
            verify=self._place.url.startswith("https:"),
        )
        # A session of a framework is often just dropped: its sockets are closed then, without the
        # warning that Python has for those that nobody closes.
        finalize(self, self._http.close)

    def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""
        try:
            answer = self._http.send(request_of(self._http, call))
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error
        return Reply(answer.status_code, heads_of(answer), answer.content)

    def open(self, call: Call) -> Answer:
        """The same, of an answer that is to be read as it comes. Raises `ServiceUnreachable`."""
        try:
            answer = self._http.send(request_of(self._http, call), stream=True)
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error
        return _Answer(self._place, answer, answer.status_code, heads_of(answer))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


@frozen(eq=False)
class _Answer:
    """Implements `Answer`."""

    _place: Place
    _response: httpx.Response
    status: int
    headers: Mapping[str, str]
    _pieces: Iterator[bytes] = field(init=False)

    @_pieces.default
    def _read(self) -> Iterator[bytes]:
        return self._response.iter_bytes()

    def next(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error

    def close(self) -> None:
        self._response.close()


def request_of(http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
    """A call as httpx sends it."""
    headers = list(call.headers)
    if call.content:
        headers.append(("Content-Type", call.content_type))
    # The query is in the URL, and no `params`: those would be encoded in another way than a
    # runtime in the same process gets them.
    query = f"?{call.query_string}" if call.query else ""
    return http.build_request(
        call.method,
        call.path + query,
        headers=headers,
        content=call.content or None,
        timeout=httpx.Timeout(call.silence, connect=CONNECT),
    )


def heads_of(answer: httpx.Response) -> Mapping[str, str]:
    """The fields of an answer's head, their names in lower case."""
    return {name.lower(): value for name, value in answer.headers.items()}


def unreachable(place: Place, error: httpx.RequestError) -> ServiceUnreachable:
    """The same, said to people."""
    was_sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if was_sent:
        problem = "broke off" if not isinstance(error, httpx.TimeoutException) else "was too slow"
        said = f"The service at {place.url} {problem} before its answer ({said_by(error)})"
    else:
        said = f"No service answers at {place.url} ({said_by(error)}): is it running there?"
    return ServiceUnreachable(said, was_sent=was_sent)


def said_by(error: Exception) -> str:
    """An error in a few words; some have no text."""
    return str(error) or type(error).__name__
