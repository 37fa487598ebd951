"""How a connection ends whose client may still be sending: not before it has read its answer."""

import trio

from web.http.limits import LINGER_BYTES, RECEIVE_SIZE
from web.http.line import Line


async def linger(line: Line, timeout: float) -> None:
    """Say that nothing more comes, then read and drop what the client still sends.

    For `timeout` seconds and `LINGER_BYTES` at most. Closing with input unread would reset the
    connection, and a reset can overtake the answer that was just sent.
    """
    left = LINGER_BYTES
    with trio.move_on_after(timeout):
        try:
            await line.send_eof()
            while left > 0 and (data := await line.receive_some(RECEIVE_SIZE)):
                left -= len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The client has gone, and with it the reason to wait.
