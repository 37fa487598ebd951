"""Certificates for the tests, made by `openssl`: Python itself makes none."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from attrs import frozen

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="there is no openssl to make a certificate with"
)


@frozen
class Certificate:
    """A certificate for this machine, signed by itself."""

    certfile: Path
    keyfile: Path

    @property
    def options(self) -> tuple[str, ...]:
        """Of `agent-runtime serve`."""
        return ("--certfile", str(self.certfile), "--keyfile", str(self.keyfile))

    def trusted(self, *protocols: str) -> ssl.SSLContext:
        """What a client needs who trusts it, and speaks these protocols."""
        context = ssl.create_default_context(cafile=self.certfile)
        context.set_alpn_protocols(protocols)
        return context


def make_certificate(folder: Path, *options: str) -> Certificate:
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(made.keyfile), "-out", str(made.certfile)),
            *(options or ("-nodes",)),
        ],
        check=True,
        capture_output=True,
    )
    return made
