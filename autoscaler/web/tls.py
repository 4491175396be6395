"""TLS of our own server: a context that believes the clients it is told to, and takes over renewed certificates.

TlsServer comes in, an ssl.SSLContext goes out. It must not ask clients for a certificate that they do not have: who
needs one says so itself.
"""

import ssl
from pathlib import Path

import structlog

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.web_tls import TlsServer


def server_context(tls: TlsServer) -> ssl.SSLContext:
    """The server's context: TLS 1.2 or newer; a client may show a certificate if there is a client_ca_file.

    When the files change, the connection that notices still gets the former certificate, and those after it the new.
    Raises ConfigurationRefused if a file can not be read or does not fit the other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:  # ssl.SSLError is one
        where = f"web.tls: {tls.cert_file} and {tls.key_file}"
        raise ConfigurationRefused([f"{where} are no certificate and its key in PEM: {_why(error)}"]) from None
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except OSError as error:
            why = f"web.tls.client_ca_file: {tls.client_ca_file} holds no certificates in PEM: {_why(error)}"
            raise ConfigurationRefused([why]) from None
        context.verify_mode = ssl.CERT_OPTIONAL
    context.sni_callback = _Renewal(tls)  # called at the start of each handshake, with or without a name
    return context


class _Renewal:
    """Loads the certificate again when one of its files has changed."""

    def __init__(self, tls: TlsServer) -> None:
        self._tls = tls
        self._seen = _stamps(tls)

    def __call__(self, _connection: object, _name: str | None, context: ssl.SSLContext) -> None:
        found = _stamps(self._tls)
        if found == self._seen:
            return
        self._seen = found
        try:
            # Tried elsewhere first: a certificate without its key would spoil the context that is in use.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._tls.cert_file, self._tls.key_file)
            context.load_cert_chain(self._tls.cert_file, self._tls.key_file)
        except OSError as error:
            told = "web.tls: the changed certificate is not used"
            structlog.get_logger("autoscaler.web").warning(told, file=str(self._tls.cert_file), why=_why(error))


def _stamps(tls: TlsServer) -> tuple[object, ...]:
    return tuple(_stamp(path) for path in (tls.cert_file, tls.key_file))


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
