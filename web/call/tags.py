"""ETags: every answer about a session says of which state it is.

Rules:

- The tag covers all of a session but `durable_seq`, which `Durable-Seq` says beside it. So the
  answer to any read can be kept for as long as the tag stays.
- `If-None-Match` on a read compares weakly, `If-Match` on a write strongly, as RFC 9110 has it: a
  weak tag never lets a write pass.
"""

import re
from collections.abc import Callable

from attrs import frozen

from runtime import Reply
from web.call.rendering import Fields, encoded_answer, json_answer, made
from web.http.message import Buffers, Request, Response

# What is bare goes to the next comma, with the white space before that: if each of the two could
# have that space, a line of it would be tried in all combinations.
_TAG = re.compile(r'\s*(?P<weak>[Ww]/)?(?:"(?P<quoted>[^"]*)"\s*|(?P<bare>[^,]*))(?:,|\Z)')


@frozen
class Tags:
    """What `If-Match` or `If-None-Match` says."""

    is_star: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()

    @classmethod
    def of(cls, value: str) -> "Tags":
        """Reads a header. A tag without quotation marks, as people type it, is one too."""
        strong: set[str] = set()
        weak: set[str] = set()
        for found in _TAG.finditer(value):
            quoted, bare = found["quoted"], (found["bare"] or "").rstrip()
            if bare == "*":  # a quoted star is a tag like others
                return cls(is_star=True)
            if quoted is not None or bare:
                (weak if found["weak"] else strong).add(bare if quoted is None else quoted)
        return cls(strong=frozenset(strong), weak=frozenset(weak))

    def name(self, tag: str) -> bool:
        """Whether the tag is among them, weak or strong."""
        return self.is_star or tag in self.strong or tag in self.weak


def headers_of(reply: Reply) -> Fields:
    """What every answer about a session says in its head."""
    return (("ETag", f'"{reply.tag}"'), ("Durable-Seq", str(reply.durable_seq)))


def unchanged(request: Request, reply: Reply) -> Response | None:
    """The 304 to whoever asks for what is new and knows this state."""
    known = request.headers.get("if-none-match")
    if known is None or not (known == f'"{reply.tag}"' or Tags.of(known).name(reply.tag)):
        return None
    return Response(304, b"", headers_of(reply))


def answer(request: Request, reply: Reply, render: Callable[[], object]) -> Response:
    """The answer to a read: what `render` makes, unless the caller has that already."""
    known = unchanged(request, reply)
    return json_answer(render(), headers=headers_of(reply)) if known is None else known


async def large_answer(
    request: Request, reply: Reply, size: int, render: Callable[[], Buffers]
) -> Response:
    """The same to a read of so many bytes, which are a client's own and may be many.

    `render` makes the JSON, in a thread if it is long.
    """
    known = unchanged(request, reply)
    if known is not None:
        return known
    return encoded_answer(await made(size, render), headers_of(reply))
