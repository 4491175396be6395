"""TLS as the operator wrote it: whom to trust, what to show.

A TlsConfig comes in, an ssl.SSLContext goes out, made anew when one of its files changed. Blocking work is done in a
thread. Keys stay in their files; one written in the settings is in a private file for the moment of loading it.
"""

import ssl
import tempfile
import warnings
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import TlsConfig
from autoscaler.sources.http.contract import FetchFailed
from autoscaler.sources.http.watched import Watched

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_DATED = frozenset({"TLS10", "TLS11"})
_STRICT = ssl.VerifyFlags.VERIFY_X509_STRICT
_ANY_ANCHOR = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


def watched_context(config: TlsConfig) -> Watched[ssl.SSLContext]:
    """The context for connections of one client; another object after its files changed.

    Source: Prometheus documentation, "Configuration", `<tls_config>`. Its value raises FetchFailed
    (CREDENTIALS_UNREADABLE) if a file is missing or holds no PEM, or certificate and key do not belong together.
    """
    return Watched((config.ca_file, config.cert_file, config.key_file), partial(_context, config))


def _context(config: TlsConfig) -> ssl.SSLContext:
    context = _trusting(config)
    # As Go and so Prometheus verify: any certificate given is an anchor, odd extensions of an own CA are no fault.
    context.verify_flags = (context.verify_flags | _ANY_ANCHOR) & ~_STRICT
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.min_version is not None:
        _allow(context, config.min_version)
    if config.cert is not None or config.cert_file is not None:
        _show(context, config)
    return context


def _trusting(config: TlsConfig) -> ssl.SSLContext:
    where = config.ca_file or "`ca`"
    try:
        return ssl.create_default_context(cafile=config.ca_file, cadata=config.ca)
    except ssl.SSLError as error:
        raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{where}: no PEM certificate: {error}") from None
    except OSError as error:
        raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{where}: {error.strerror or error}") from None


def _allow(context: ssl.SSLContext, oldest: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that the operator asks for an old version is no news
        context.minimum_version = _VERSIONS[oldest]
    if oldest in _DATED:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 speaks those versions at no higher level


def _show(context: ssl.SSLContext, config: TlsConfig) -> None:
    files = config.cert_file is not None and config.key_file is not None
    # No directory where none is needed: a container's root may be read-only.
    with nullcontext("") if files else tempfile.TemporaryDirectory(prefix="tls-") as private:
        certificate = config.cert_file or _kept(Path(private, "cert"), config.cert or "")
        key = config.key_file or _kept(Path(private, "key"), config.key.get_secret_value() if config.key else "")
        where = f"{config.cert_file or '`cert`'} and {config.key_file or '`key`'}"
        try:
            context.load_cert_chain(certificate, key, password=_no_passphrase)
        except ssl.SSLError as error:
            raise FetchFailed(
                Reason.CREDENTIALS_UNREADABLE,
                f"{where}: no certificate in PEM with the key that belongs to it: {error}",
            ) from None
        except (OSError, ValueError) as error:
            raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{where}: {error}") from None


def _kept(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted; it must be without a passphrase")
