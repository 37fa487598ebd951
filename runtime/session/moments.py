"""A moment in nine bytes: the digits of its text, two in each, as long sessions keep them."""

from binascii import hexlify, unhexlify

MOMENT_SIZE = 9
"""Bytes of a packed moment."""

_LENGTH = len("2025-12-31T08:45:00.000Z")
_DIGITS = bytes.maketrans(b"Z", b"0")
_MARKS = b"-T:."


def packed(*moments: str) -> bytes:
    """The moments, one behind the other. Raises `ValueError` for text that is none of ours."""
    digits = "".join(moments).encode().translate(_DIGITS, _MARKS)
    if len(digits) != 2 * MOMENT_SIZE * len(moments) or {*map(len, moments)} - {_LENGTH}:
        raise ValueError("a stored entry's time is not one of this program's")
    return unhexlify(digits)


def unpacked(moment: bytes | bytearray) -> str:
    """The text of a packed moment."""
    t = hexlify(moment).decode()
    return f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:14]}.{t[14:17]}Z"
