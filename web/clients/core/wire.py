"""Calls over HTTP, by httpx."""

from weakref import finalize

import httpx
from attrs import define, field

from web.clients.core.call import Call, Reply
from web.clients.core.place import Place
from web.clients.errors import ServiceUnreachable

TIMEOUT = httpx.Timeout(60, connect=5, pool=60)
"""Seconds. The service answers a write within its own commit timeout, which is below that."""


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
            timeout=TIMEOUT,
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
        except httpx.TransportError as error:
            raise unreachable(self._place, error) from error
        return reply_of(answer)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


def request_of(http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
    """A call as httpx sends it."""
    headers = list(call.headers)
    if call.content:
        headers.append(("Content-Type", call.content_type))
    return http.build_request(
        call.method,
        call.path,
        params=list(call.query) or None,
        headers=headers,
        content=call.content or None,
    )


def reply_of(answer: httpx.Response) -> Reply:
    """What came, once all of it has."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status_code, headers, answer.content)


def unreachable(place: Place, error: httpx.TransportError) -> ServiceUnreachable:
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
