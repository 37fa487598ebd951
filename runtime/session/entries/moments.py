"""A moment in nine bytes: the digits of its text, two in each, as long sessions keep them."""

from binascii import hexlify, unhexlify

MOMENT_SIZE = 9
"""Bytes of a packed moment."""

_FORM = b"0000-00-00T00:00:00.000Z"
_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_DIGITS = bytes.maketrans(b"Z", b"0")
_MARKS = b"-T:."


def packed(*moments: str) -> bytes:
    """The moments, one behind the other. Raises `ValueError` for text that is none of ours."""
    texts = "".join(moments).encode()
    if texts.translate(_ANY_DIGIT) != _FORM * len(moments) or {*map(len, moments)} - {len(_FORM)}:
        raise ValueError("a stored entry's time is not one of this program's")
    return unhexlify(texts.translate(_DIGITS, _MARKS))


def packed_own(moment: str) -> bytes:
    """A moment that this program has just made itself: nobody else's text needs to be looked at."""
    return unhexlify(moment.encode().translate(_DIGITS, _MARKS))


def unpacked(moment: bytes | bytearray) -> str:
    """The text of a packed moment."""
    t = hexlify(moment).decode()
    return f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:14]}.{t[14:17]}Z"
