"""Whose credentials sign a call.

Settings come in; `Credentials` go out, fetched anew for every call so that rotated ones are taken up. This is the only
file that knows the vendor's credential library. Nothing here logs, and no error text holds a secret.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from autoscaler.model.errors import CloudError, Forbidden, Unavailable
from autoscaler.settings.alibaba import AccessKeyCredentials, CredentialSettings

_ACTION = "credentials"
_VALUE_OF_SECRET = re.compile(r"(?i)((?:secret|token|password)[\w\"']*\s*[:=]\s*)[\"']?[^\s\"',}]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An AccessKey pair; with a `security_token` it is a temporary one."""

    access_key_id: str
    access_key_secret: SecretStr
    security_token: SecretStr | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        token = (self.security_token.get_secret_value(),) if self.security_token else ()
        return (self.access_key_secret.get_secret_value(), *token)


class CredentialSource(Protocol):
    """Something that knows the credentials of this moment."""

    async def get(self) -> Credentials:
        """Raises Forbidden when there are none, Unavailable when they could not be fetched this time."""
        ...


class AccessKeySource:
    """The pair that the operator wrote, or mounted as a file."""

    def __init__(self, settings: AccessKeyCredentials) -> None:
        self._settings = settings

    async def get(self) -> Credentials:
        """The pair. Raises Forbidden when its file can not be read or is empty."""
        given = self._settings
        secret = given.access_key_secret or SecretStr(await asyncio.to_thread(self._read))
        return Credentials(given.access_key_id, secret, given.security_token)

    def _read(self) -> str:
        path = self._settings.access_key_secret_file
        try:
            secret = path.read_text(encoding="utf-8").strip() if path else ""
        except (OSError, ValueError) as error:
            raise Forbidden(_ACTION, "NoCredentials", f"{path} can not be read: {type(error).__name__}") from None
        if not secret:
            raise Forbidden(_ACTION, "NoCredentials", f"{path} holds no AccessKey secret")
        return secret


class OfficialCredentials:
    """The vendor's default chain (alibabacloud_credentials 1.0): environment, RRSA, profiles, instance role, URI.

    The library's asynchronous calls take a thread lock while they await and read files in place, both of which would
    stop the event loop; its blocking calls run in a thread instead, one at a time.
    """

    def __init__(self) -> None:
        # Imported here: it is slow, and it reads the environment once, at import.
        from alibabacloud_credentials.client import Client
        from alibabacloud_credentials.exceptions import CredentialException

        self._client = Client()
        self._refusal: type[Exception] = CredentialException
        self._turn = asyncio.Lock()

    async def get(self) -> Credentials:
        """The chain's credentials. Raises Forbidden when it finds none, Unavailable when it can not ask for them."""
        async with self._turn:
            found, failure = await asyncio.to_thread(self._ask)
        if failure is not None:
            raise failure
        if found is None or not found.access_key_id or not found.access_key_secret.get_secret_value():
            raise Forbidden(_ACTION, "NoCredentials", "the default credential chain gave an empty AccessKey")
        return found

    def _ask(self) -> tuple[Credentials | None, CloudError | None]:
        """The answer or the failure, without the library's exception: that one may carry a secret in its text."""
        try:
            model = self._client.get_credential()
        except self._refusal as error:
            message = f"the default credential chain found none: {_harmless(error)}"
            return None, Forbidden(_ACTION, "NoCredentials", message)
        except Exception as error:  # noqa: BLE001  # the library lets its transport's and parser's errors through
            message = f"the default credential chain failed: {type(error).__name__}: {_harmless(error)}"
            return None, Unavailable(_ACTION, "CredentialsUnavailable", message)
        token = SecretStr(model.security_token) if model.security_token else None
        return Credentials(model.access_key_id or "", SecretStr(model.access_key_secret or ""), token), None


def credential_source(settings: CredentialSettings) -> CredentialSource:
    """The source that the settings ask for."""
    return AccessKeySource(settings) if isinstance(settings, AccessKeyCredentials) else OfficialCredentials()


def _harmless(error: Exception) -> str:
    return _VALUE_OF_SECRET.sub(r"\1***", str(error))[:300]
