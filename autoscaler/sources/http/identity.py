"""What one client shows and whom it trusts: credentials and TLS together.

A HttpClientConfig comes in; the `Authorization` value and the ssl.SSLContext go out, as their files say now.
"""

import ssl
from collections.abc import Mapping

from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.sources.http.auth import watched_authorization
from autoscaler.sources.http.tls import watched_context


class Identity:
    """Of one client, for all of its targets. A context is made only when a target speaks TLS."""

    def __init__(self, config: HttpClientConfig) -> None:
        self.server_name = config.tls_config.server_name
        self._authorization = watched_authorization(config)
        self._context = watched_context(config.tls_config)

    def due(self, now: float, *, tls: bool) -> bool:
        """Whether `look` must be awaited before the values are used. `now` is the loop's time."""
        return self._authorization.due(now) or (tls and self._context.due(now))

    async def look(self, *, tls: bool) -> None:
        """Read what changed."""
        await self._authorization.look()
        if tls:
            await self._context.look()

    def authorization(self) -> str | None:
        """The header's value. Raises FetchFailed."""
        return self._authorization.value()

    def context(self) -> ssl.SSLContext:
        """For a connection. Raises FetchFailed."""
        return self._context.value()

    def authorized(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers with `Authorization`, unless they have one of their own, which wins. Raises FetchFailed."""
        value = self._authorization.value()
        if value is None or any(name.lower() == "authorization" for name in headers):
            return headers
        return {**headers, "Authorization": value}

    async def close(self) -> None:
        """Wait for looks that are under way."""
        await self._authorization.close()
        await self._context.close()
