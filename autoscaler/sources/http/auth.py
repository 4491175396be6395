"""The `Authorization` header, from what the operator wrote and from files that are rotated.

A HttpClientConfig comes in, the header's value goes out. It must not reach a log or an error.
"""

from base64 import b64encode
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import Authorization, BasicAuth, HttpClientConfig
from autoscaler.sources.http.contract import FetchFailed
from autoscaler.sources.http.watched import Watched, read_text


def watched_authorization(config: HttpClientConfig) -> Watched[str | None]:
    """The header's value, or None if there is none; read again as its files change.

    Sources: RFC 7617 (Basic), RFC 6750 (Bearer), Prometheus documentation, "Configuration", `<http_config>`.
    """
    if config.basic_auth is not None:
        basic = config.basic_auth
        return Watched((basic.username_file, basic.password_file), partial(_basic, basic))
    if config.authorization is not None:
        return Watched((config.authorization.credentials_file,), partial(_scheme, config.authorization))
    if config.bearer_token_file is not None:
        bearer = Authorization(credentials_file=config.bearer_token_file)
        return Watched((config.bearer_token_file,), partial(_scheme, bearer))
    return Watched((), lambda: None)


def _basic(config: BasicAuth) -> str:
    user = _either(SecretStr(config.username or ""), config.username_file)
    password = _either(config.password, config.password_file)
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _scheme(config: Authorization) -> str:
    credentials = _either(config.credentials, config.credentials_file)
    if not credentials.isprintable() or not credentials.isascii():
        origin = config.credentials_file or "`credentials`"
        raise FetchFailed(
            Reason.CREDENTIALS_UNREADABLE, f"{origin}: must be one line of ASCII; it has other characters inside"
        )
    return f"{config.type} {credentials}".rstrip()


def _either(written: SecretStr | None, file: Path | None) -> str:
    if file is not None:
        return read_text(file)
    return "" if written is None else written.get_secret_value().strip()
