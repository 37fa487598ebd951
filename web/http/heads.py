"""The head of an answer, as it goes over the wire.

Its length, its date, and whether the connection stays are said here, and nowhere else: what an
answer says of them itself is left out.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType

from attrs import define, field

from web.http.problem import MIMETYPE, problem_body
from web.http.refusal import REASONS

OK, LAST = 200, 999
"""What can be the status of an answer; below are those that come before one."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT.value, HTTPStatus.NOT_MODIFIED.value})

_LINES: Mapping[int, str] = MappingProxyType(
    {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
)

_OURS = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "date", "upgrade"}
)
_OURS_WITHOUT_BODY = _OURS | {"content-type"}
"""RFC 9110, 8.6: a length is not allowed with 204; and with 304, length and type would be taken for
those of the answer that the client has."""

_REMEMBERED = 128
"""Answers whose own lines are remembered, some hundred bytes each: who asks again is mostly told
the same, and to check and to join the lines is more than half of what a head costs."""


@define
class Heads:
    """Makes heads. `now` is the time of the system, in seconds since 1970."""

    _now: Callable[[], float] = time.time
    _second: int = field(default=-1, init=False)
    _date: str = field(default="", init=False)
    """As of `_second`: many answers leave in one."""

    def render(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        *,
        length: int | None,
        chunked: bool = False,
        last: bool,
    ) -> bytes:
        """The head of an answer with `length` bytes; `None`: it comes in chunks, or until the end.

        Raises `ValueError` for what no head can say.
        """
        if not OK <= status <= LAST:
            raise ValueError(f"{status} is not the status of an answer")
        if status in WITHOUT_BODY:
            framing = ""
        elif length is not None:
            framing = f"content-length: {length}\r\n"
        else:
            framing = "transfer-encoding: chunked\r\n" if chunked else ""
        close = "connection: close\r\n" if last else ""
        lines = _lines(status, tuple(headers))
        return f"{lines}{framing}{close}date: {self._today()}\r\n\r\n".encode("latin-1")

    def refusal(self, status: int) -> bytes:
        """A whole answer to what did not become a request; it ends the connection."""
        body = problem_body(status, REASONS[status])
        headers = [("content-type", MIMETYPE)]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("retry-after", "1"))
        return self.render(status, headers, length=len(body), last=True) + body

    def _today(self) -> str:
        second = int(self._now())
        if second != self._second:
            self._second = second
            self._date = formatdate(second, usegmt=True)
        return self._date


@lru_cache(maxsize=_REMEMBERED)
def _lines(status: int, headers: tuple[tuple[str, str], ...]) -> str:
    """The first lines of a head: what the answer itself says. Raises `ValueError`."""
    ours = _OURS_WITHOUT_BODY if status in WITHOUT_BODY else _OURS
    lines = [f"{name}: {value}\r\n" for name, value in headers if name.lower() not in ours]
    fields = "".join(lines)
    if fields.count("\n") != len(lines) or fields.count("\r") != len(lines):
        raise ValueError("a header of the answer has a line break")
    line = _LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    return line + fields
