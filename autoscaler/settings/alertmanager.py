"""Who may send alerts, as the operator writes it: `alertmanager` of autoscaler.yaml.

Each entry is a receiver: an Alertmanager posts its notifications to /api/v1/alerts/<name> of the daemon's web server
(Alertmanager documentation, "Configuration", `<webhook_config>`). Values only.

How long an alert is believed without news: Alertmanager looks at a group each `group_interval`, and repeats a
notification that is at least `repeat_interval` old at the first such look. News of an alert that still fires is
therefore at most repeat_interval + group_interval apart, and one group_interval more if a notification is lost and sent
again. `expires_after` must be longer: with Alertmanager's defaults (4h and 5m) 4h10m, to which the default adds 5m.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from autoscaler.settings.base import Duration, Strict
from autoscaler.settings.byte_size import ByteSize
from autoscaler.settings.relabel import LabelName
from autoscaler.settings.web_tls import TlsServer

_DEFAULT_EXPIRY = 15_300.0
_MIB = 1024 * 1024

ReceiverName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A name that stands in a URL as it is."""


class AlertReceiver(Strict):
    """One Alertmanager (or several that are one cluster) whose firing alerts are signals."""

    name: ReceiverName = Field(
        description="Unique name, by which signals refer to it, and the last part of its URL: /api/v1/alerts/<name>."
    )
    bearer_token: SecretStr | None = Field(
        default=None, description="Token that Alertmanager must show as `Authorization: Bearer`; better in a file."
    )
    bearer_token_file: Path | None = Field(
        default=None, description="File with the token, relative to autoscaler.yaml; read again as it changes."
    )
    region_label: LabelName | None = Field(
        default=None, description="Label of an alert that names the ENS region; region_label if none is given."
    )
    expires_after: Duration = Field(
        default=_DEFAULT_EXPIRY,
        gt=0,
        allow_inf_nan=False,
        description="Seconds that a firing alert is believed without news of it. Longer than Alertmanager's "
        "repeat_interval + 2 x group_interval; the default, 4h15m, fits its defaults (4h and 5m).",
    )
    body_size_limit: ByteSize = Field(
        default=8 * _MIB,
        gt=0,
        description="Bytes of one notification beyond which it is refused, e.g. `8MiB`: about ten thousand alerts.",
    )

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.bearer_token is not None and self.bearer_token_file is not None:
            raise ValueError("`bearer_token` and `bearer_token_file` exclude each other; write one of them")
        if self.bearer_token is not None and not is_token(self.bearer_token.get_secret_value()):
            raise ValueError("`bearer_token` is no token: one line of printable ASCII without spaces is needed")
        return self

    @property
    def has_token(self) -> bool:
        """Whether a token is asked for; otherwise it is a client certificate."""
        return self.bearer_token is not None or self.bearer_token_file is not None


def is_token(text: str) -> bool:
    """Whether a text can stand in an Authorization header (RFC 6750, section 2.1, somewhat wider)."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def check_receivers(receivers: Sequence[AlertReceiver], tls: TlsServer | None) -> None:
    """Whether every receiver can tell its Alertmanager from a stranger.

    Raises ValueError that names those that can not, and what would be right.
    """
    if tls is not None and tls.client_ca_file is not None:
        return
    open_to_all = [receiver.name for receiver in receivers if not receiver.has_token]
    if open_to_all:
        raise ValueError(
            f"anybody could send alerts to {', '.join(open_to_all)}: write bearer_token_file, or web.tls with "
            "client_ca_file to ask for a client certificate"
        )
