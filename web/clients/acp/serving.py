"""An agent on stdin and stdout, or on other streams.

The protocol's library does not route `session/delete` yet. Here its name gets the underscore with
which the library hands on what it does not know; once it knows it, `delete_session` is there.
"""

import asyncio
import json
from typing import Any

import acp

from web.clients.acp.wrapped import DELETE, KeptAgent

LIMIT = 50 * 2**20
"""Bytes of one message, as the library has it."""

AT_ONCE = 2**16
"""Bytes that are read at one time."""


async def run(
    agent: KeptAgent,
    input_stream: asyncio.StreamWriter | None = None,
    output_stream: asyncio.StreamReader | None = None,
    **options: Any,
) -> None:
    """Serves an agent until its client is gone, as `acp.run_agent` does, with `session/delete`.

    The streams are named as the library names them: the client's input is what is written to.
    """
    if input_stream is None or output_stream is None:
        output_stream, input_stream = await acp.stdio_streams(limit=LIMIT)
    read = asyncio.StreamReader(limit=LIMIT)
    agent.is_deleting = True
    pumping = asyncio.create_task(_pump(output_stream, read))
    try:
        await acp.run_agent(agent, input_stream, read, **{"use_unstable_protocol": True, **options})
    finally:
        pumping.cancel()
        agent.close()


async def _pump(source: asyncio.StreamReader, read: asyncio.StreamReader) -> None:
    # Not by lines: a reader may have a limit for them, which images in prompts are beyond.
    waiting = bytearray()
    try:
        while piece := await source.read(AT_ONCE):
            waiting += piece
            if b"\n" in piece:
                *lines, waiting = waiting.split(b"\n")
                for line in lines:
                    read.feed_data(_renamed(bytes(line)) + b"\n")
    except ConnectionError as error:  # it was cut
        read.set_exception(error)
    else:
        read.feed_data(waiting)
        read.feed_eof()


def _renamed(line: bytes) -> bytes:
    if DELETE.encode() not in line:
        return line
    try:
        message = json.loads(line)
    except ValueError:
        return line  # the library says what is wrong with it
    if not isinstance(message, dict) or message.get("method") != DELETE:
        return line
    return json.dumps({**message, "method": f"_{DELETE}"}).encode()
