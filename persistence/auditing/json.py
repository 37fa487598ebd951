"""What has to be JSON. Nothing is made of it: what an object holds is only passed over."""

import msgspec

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_value = msgspec.json.Decoder(msgspec.Raw).decode
# The last is of what is deeper than anybody may send.
_FAULTS = (ValueError, RecursionError)


def is_object(text: bytes) -> bool:
    """Whether this is a JSON object."""
    try:
        _object(text)
    except _FAULTS:
        return False
    return True


def is_json(text: bytes) -> bool:
    """Whether this is JSON, of whatever kind."""
    try:
        _value(text)
    except _FAULTS:
        return False
    return True
