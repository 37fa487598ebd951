"""What a head says of the bytes behind it: how long its body is, and whether anything follows."""

from collections.abc import Mapping

from web.http.refusal import Refusal

Fields = Mapping[str, list[str]]
"""Names in lower case, each with all its values."""


def length_of(fields: Fields, *, old: bool) -> int | None:
    """Bytes of the body; `None`: it comes in chunks. llhttp has found a length to be a number.

    Raises `Refusal` for what two readers could understand differently.
    """
    codings = fields.get("transfer-encoding")
    lengths = fields.get("content-length")
    if codings is None:
        return 0 if lengths is None else int(lengths[0])
    if old or lengths is not None:
        raise Refusal(400)
    if len(codings) != 1 or codings[0].lower() != "chunked":
        raise Refusal(501)
    return None


def asks_to_close(fields: Fields) -> bool:
    options = fields.get("connection")
    if options is None or options == ["keep-alive"]:
        return False
    return "close" in {word.strip().lower() for line in options for word in line.split(",")}


def expects_continue(fields: Fields) -> bool:
    """Whether the client sends its body only when it is asked to."""
    return "100-continue" in [value.lower() for value in fields.get("expect", ())]
