"""TLS of a server of ours, as the operator writes it: `web.tls` of autoscaler.yaml.

Values only; the files are read when the server starts, and the certificate again when it changes.
"""

from pathlib import Path

from pydantic import Field

from autoscaler.settings.base import Strict


class TlsServer(Strict):
    """What a server shows to its clients, and which certificates of theirs it believes."""

    cert_file: Path = Field(
        description="PEM file with the server's certificate and those between it and its root, relative to "
        "autoscaler.yaml; read again as it changes."
    )
    key_file: Path = Field(description="PEM file with the certificate's key; read again as it changes.")
    client_ca_file: Path | None = Field(
        default=None,
        description="PEM file with the certificates that vouch for clients. A client may then show a certificate, and "
        "an alert receiver without a token asks for one; health and metrics never do.",
    )
