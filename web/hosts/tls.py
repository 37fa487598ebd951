"""A certificate and its key, or what is wrong with them, in words for whoever has to mend it."""

import ssl
from pathlib import Path
from typing import NoReturn

from web.problems import CannotServe

PROTOCOLS = ("h2", "http/1.1")
"""What a client may choose from, in the order in which we prefer it."""

_BOTH = "Give both files as PEM: the certificate, with those between it and the root, and its key."


def load_certificate(certfile: Path, keyfile: Path) -> ssl.SSLContext:
    """What HTTPS needs. Raises `CannotServe`."""
    for what, file in (("certificate", certfile), ("key", keyfile)):
        _check_readable(what, file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Nobody needs it, trio does not do it, and it costs the server more than the client.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(PROTOCOLS)

    def no_password() -> NoReturn:  # OpenSSL would ask the terminal for it, and wait
        raise CannotServe(
            f"The key {keyfile} is encrypted",
            "Write it without a password into a file with mode 0600: "
            f"openssl pkey -in {keyfile} -out FILE",
        )

    try:
        context.load_cert_chain(certfile, keyfile, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CannotServe(f"{keyfile} is not the key of {certfile}", _BOTH) from error
        raise CannotServe(
            f"{certfile} and {keyfile} are no certificate and key: {error.reason or error}", _BOTH
        ) from error
    return context


def _check_readable(what: str, file: Path) -> None:
    """Which of the two it is does not stand in what OpenSSL says."""
    try:
        file.read_bytes()
    except OSError as error:
        raise CannotServe(f"Cannot read the {what} {file}: {error.strerror or error}", _BOTH) from (
            error
        )
