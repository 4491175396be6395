"""What Alertmanager posts to a webhook, read. Pure.

Bytes come in; a notification goes out, or ValueError with what is wrong with it.
Source: Alertmanager documentation, "Configuration", `<webhook_config>` (payload version 4); template/template.go.
"""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

State = Literal["firing", "resolved"]


class _Lenient(BaseModel):
    """Alertmanager may say more than is read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Alert(_Lenient):
    """One alert of a notification; its fingerprint is a hash of all of its labels. `endsAt` is of use once resolved."""

    status: State
    labels: Mapping[str, str]
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime = Field(alias="endsAt")
    fingerprint: str = Field(min_length=1, max_length=64)


class Notification(_Lenient):
    """The alerts of one group that fire, and those that were resolved since the last notification."""

    version: Literal["4"]
    group_key: str = Field(alias="groupKey")
    status: State
    truncated: int = Field(default=0, alias="truncatedAlerts", ge=0)
    alerts: tuple[Alert, ...]

    @model_validator(mode="after")
    def _group_is_its_alerts(self) -> Self:
        if self.status == "resolved" and any(alert.status == "firing" for alert in self.alerts):
            raise ValueError("status is `resolved`, and an alert of the group is firing")
        return self


def read_notification(body: bytes) -> Notification:
    """Raises ValueError that says in one line where the body is no notification of version 4, without quoting it."""
    try:
        return Notification.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"no Alertmanager notification of version 4: {where}: {first['msg']}") from None
