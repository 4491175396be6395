"""Joining the room: from settings to a client that is ready to be called.

Source of nonces: the operating system's randomness, 128 bits each.
"""

import secrets
from collections.abc import Callable

from pydantic import SecretStr

from autoscaler.cloud.client import AlibabaCloud
from autoscaler.cloud.credentials import credential_source
from autoscaler.cloud.endpoints import endpoints
from autoscaler.ports import Clock
from autoscaler.settings.alibaba import AlibabaSettings


def alibaba_cloud(settings: AlibabaSettings, password: Callable[[str], SecretStr], clock: Clock) -> AlibabaCloud:
    """A client for these settings. `password(template)` gives the login password of a template. Opens no connection."""
    base = endpoints(settings)
    return AlibabaCloud(
        base.cs,
        base.ens,
        credential_source(settings.credentials),
        password,
        clock,
        nonce=lambda: secrets.token_hex(16),
        timeout=settings.timeout,
    )
