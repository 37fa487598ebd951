"""A request's body: received within its limits, and decoded where that holds nobody up.

Rules:

- Nothing of a body is kept that is not going to be used: one that is cut off or refused is dropped
  at once, also while somebody looks at the error.
- What takes long runs in a thread.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

import msgspec
import trio

from runtime import SECONDS, CallerError, KiB, MiB
from web.call.parts import LARGE, decode
from web.call.problems import Refused
from web.call.resources import Resources
from web.http.message import Request

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

HUGE = 1 * MiB
"""Bytes of a body from which on it is decoded beside few others of its size."""

# A limiter each: nobody is to wait for those who do larger things, which takes seconds. And no more
# at once: one thread at a time has the interpreter's lock, so more of them would be no faster
# together, and the loop would have to wait for the lock behind each.
LARGE_AT_ONCE = trio.CapacityLimiter(2)
HUGE_AT_ONCE = trio.CapacityLimiter(2)

TIMEOUT = 60 * SECONDS
"""For a whole body: 16 MiB at 270 KiB/s. Whoever trickles one holds its bytes for no longer."""

PACE = 256 * KiB
"""Bytes of a body after which there is a pause: one that comes as fast as this machine can send
keeps the event loop busy, and starves the threads (see `give_way`), the one of the commits too."""

PAUSE = 0.0005
"""Seconds: enough for a thread to wake up. A body comes in no faster than 512 MiB/s with it."""

AT_ONCE = 500
"""Things that are given up in one stretch of the event loop: a fraction of a millisecond."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors and shells put it before a text; RFC 8259 8.1 lets it be ignored."""


async def read(resources: Resources, request: Request, wanted: type[S]) -> S:
    """The request's JSON body; none at all counts as `{}`.

    Raises `InvalidInput`, saying what is wrong and where, and what `taken` raises.
    """
    return await taken(resources, request, lambda body: decode(body, wanted))


async def taken(resources: Resources, request: Request, work: Callable[[bytes], T]) -> T:
    """What `work` makes of the request's body; none at all counts as `{}`.

    It runs in a thread where that takes long: so all that is done with every part of a body
    (decoding, checking, encoding, digesting) is to be done by `work`, and nothing of it behind.
    There it is to be read in pieces, as `runtime` does: a thread, too, has the interpreter's lock
    for as long as one call takes. Raises `Refused` and `ClientGone`.
    """
    body = await received(resources, request) or b"{}"
    if len(body) < LARGE:
        return work(body)
    limiter = LARGE_AT_ONCE if len(body) < HUGE else HUGE_AT_ONCE
    made, refusal = await trio.to_thread.run_sync(_tried, work, body, limiter=limiter)
    if refusal is None:
        return cast(T, made)
    try:
        raise refusal
    finally:
        del refusal  # this frame, which has the body, is in its traceback


def _tried(work: Callable[[bytes], T], body: bytes) -> tuple[T | None, CallerError | None]:
    """What comes of it, or why it is refused.

    An error that leaves a thread is in a cycle with its traceback, whose frames have the body: that
    would stay until somebody looks for garbage. How a caller's mistake was found tells nobody
    anything, so it is handed out without its frames.
    """
    try:
        return work(body), None
    except CallerError as error:
        error.__context__ = None
        return None, error.with_traceback(None)


async def received(resources: Resources, request: Request) -> bytes:
    """All of the body, without a byte order mark.

    It counts among the service's bodies until the request is answered. Raises `Refused` as soon as
    more bytes are announced, or have come, than there is room for, and `ClientGone`.
    """
    announced = request.body.announced or 0
    _check(announced, resources.body_limit)
    resources.bodies.announce(announced)
    pieces: list[bytes] = []
    size, due = 0, PACE
    try:
        with trio.fail_after(TIMEOUT):
            while piece := await request.body.receive():
                pieces.append(piece)
                size += len(piece)
                _check(size, resources.body_limit)
                resources.bodies.grow(request, size)
                if size >= due:
                    due = size + PACE
                    await trio.sleep(PAUSE)
    except BaseException as error:
        # The error's traceback holds this frame for as long as somebody looks at it, and others
        # may have the room.
        pieces.clear()
        piece = b""
        resources.bodies.give_back(request)
        if isinstance(error, trio.TooSlowError):
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The body took longer than {TIMEOUT:g} s: send it in several requests",
            ) from None
        raise
    if size < HUGE:
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    else:
        # In a thread: 16 MiB take ten milliseconds, in which Python gives its lock away.
        body = await trio.to_thread.run_sync(_joined, pieces)
    return body.removeprefix(BYTE_ORDER_MARK)


def _joined(pieces: list[bytes]) -> bytes:
    body = b"".join(pieces)
    while pieces:  # one by one, and others go on in between: to give memory back takes long, too
        pieces.pop()
    return body


async def let_go(made: list[Any]) -> None:
    """Empties a list that a large body became, some at a time: others are let in between."""
    while len(made) > AT_ONCE:
        del made[-AT_ONCE:]
        await trio.lowlevel.checkpoint()


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body has more bytes than the limit of {limit} (--body-limit-mib): "
            "send it in several requests",
        )
