"""`kind: NodeTemplate`: what a new node is, in the field names and within the limits of the purchase API.

A document of the policy directory comes in; a frozen template and its password go out. Source of every field and limit:
API page "Scale out a managed edge Kubernetes cluster", request parameters.
`price_per_month` and `alternatives` are ours and are not sent.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.policy.base import Parameters
from autoscaler.policy.language import Metadata
from autoscaler.settings import password
from autoscaler.settings.amounts import Price
from autoscaler.settings.base import Strict

PERIODS = (1, 2, 3, 6, 12, 24, 36, 48, 60)
PASSWORD_FIELDS = ("login_password", "login_password_file", "login_password_env")


def _period(months: int) -> int:
    if months not in PERIODS:
        raise ValueError(f"must be one of {', '.join(map(str, PERIODS))} (months)")
    return months


def _system_disk(size: int) -> int:
    if size not in range(20, 101, 10):
        raise ValueError("must be a multiple of 10 from 20 to 100 (GiB)")
    return size


def _data_disk(size: int) -> int:
    if size not in (0, *range(20, 201, 10)):
        raise ValueError("must be 0 for no data disk, or a multiple of 10 from 20 to 200 (GiB)")
    return size


def _edge(value: bool) -> bool:
    if not value:
        raise ValueError("must be true: a managed edge cluster takes ENS instances as edge workers only")
    return value


def _long_form(value: object) -> object:
    """`ens.sn1.small` is short for `{worker_instance_type: ens.sn1.small}`."""
    return {"worker_instance_type": value} if isinstance(value, str) else value


class Alternative(Strict):
    """An instance type that is bought when the one before it is out of stock; all else is as in the template."""

    worker_instance_type: str = Field(min_length=1, description="Type of the ENS instances.")
    price_per_month: Price | None = Field(
        default=None, description="What one such node costs for a month, in the account's currency; not sent."
    )


class NodeSpec(Strict):
    """The body of the purchase call, less what the decision and the fleet say. Quoted numbers are not numbers."""

    model_config = ConfigDict(strict=True)

    refused_keys: ClassVar[Mapping[str, str]] = {
        "count": "how many nodes are bought is what the decision says",
        "ens_region_id": "the regions of a template come from the Fleet",
        "ClusterId": "the cluster of a template comes from the Fleet",
        "cluster_id": "the cluster of a template comes from the Fleet",
        "clusterId": "the cluster of a template comes from the Fleet",
        "ens_Internet_charge_type": "it is another spelling of ens_internet_charge_type, which is there too; keep one",
    }

    worker_instance_type: str = Field(min_length=1, description="Type of the ENS instances, e.g. `ens.sn1.tiny`.")
    worker_image_id: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="Id of the image that the nodes start from. Required for ScaleOutCluster; a node pool has its own.",
    )
    ens_internet_charge_type: Literal["BandwidthByDay", "95BandwidthByMonth"] = Field(
        validation_alias=AliasChoices("ens_internet_charge_type", "ens_Internet_charge_type"),
        description="Billing of traffic: daily peak or monthly 95th percentile bandwidth.",
    )
    worker_period: Annotated[int, AfterValidator(_period)] = Field(
        default=1, description="Months that a node is paid for in advance: 1, 2, 3, 6, 12, 24, 36, 48 or 60."
    )
    worker_system_disk_size: Annotated[int, AfterValidator(_system_disk)] = Field(
        description="System disk in GiB: a multiple of 10 from 20 to 100, larger than the image."
    )
    worker_data_disk_size: Annotated[int, AfterValidator(_data_disk)] = Field(
        default=0, description="Data disk in GiB: 0 for none, or a multiple of 10 from 20 to 200."
    )
    worker_auto_renew: bool = Field(default=False, description="Whether the subscription renews itself.")
    worker_auto_renew_period: Annotated[int, Field(ge=1, le=12)] | None = Field(
        default=None, description="Months that each renewal adds, 1 to 12; required with worker_auto_renew."
    )
    timeout_mins: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Minutes within which the API must have added the nodes."
    )
    is_edge_worker: Annotated[bool, AfterValidator(_edge)] = Field(
        default=True, description="Always true: the API takes nothing else for a managed edge cluster."
    )
    login_password: SecretStr | None = Field(
        default=None,
        description="SSH password: 8 to 30 characters of at least 3 kinds. Better kept in a file. ScaleOutCluster "
        "requires exactly one of the three login_password fields; a node pool has its own.",
    )
    login_password_file: Annotated[Path, Field(strict=False)] | None = Field(
        default=None, description="File with the SSH password; relative to the file that names it; read at each order."
    )
    login_password_env: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Name of the environment variable with the SSH password."
    )

    price_per_month: Price | None = Field(
        default=None,
        description="What one node costs for a month, in the account's currency; not sent. An order costs this, times "
        "worker_period, times its nodes. Required in regions under a budget, unless executor.price_from is api.",
    )
    alternatives: Annotated[tuple[Annotated[Alternative, BeforeValidator(_long_form)], ...], Field(strict=False)] = (
        Field(
            default=(),
            description="Instance types that are bought instead, in this order, when the one before is out of stock; a "
            "name, or a mapping with the name and its price. A node pool has one type, so that its operations ignore "
            "them.",
        )
    )

    @field_validator("worker_auto_renew_period", mode="after")
    @classmethod
    def _required_to_renew(cls, period: int | None, info: ValidationInfo) -> int | None:
        if period is None and info.data.get("worker_auto_renew"):
            raise ValueError("is required when worker_auto_renew is true: 1 to 12 (months)")
        return period

    @field_validator("login_password", mode="after")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            password.require_strength(value.get_secret_value())
        return value

    @field_validator("login_password_file", mode="after")
    @classmethod
    def _strong_in_file(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        path = Path(info.context["folder"]) / value if info.context else value
        password.require_strength(password.from_file(path))
        return path

    @field_validator("login_password_env", mode="after")
    @classmethod
    def _strong_in_environment(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            password.require_strength(password.from_environment(value))
        given = {**info.data, "login_password_env": value}
        # A place that is itself wrong is not in `data`, and has been complained about.
        if all(name in given for name in PASSWORD_FIELDS):
            names = [name for name in PASSWORD_FIELDS if given[name] is not None]
            if len(names) > 1:
                raise ValueError(
                    f"exactly one of {', '.join(PASSWORD_FIELDS)} must be there; there is {' and '.join(names)}"
                )
        return value

    @field_validator("alternatives", mode="after")
    @classmethod
    def _differ(cls, alternatives: tuple[Alternative, ...], info: ValidationInfo) -> tuple[Alternative, ...]:
        types = [info.data.get("worker_instance_type"), *(one.worker_instance_type for one in alternatives)]
        twice = sorted({name for name in types if name is not None and types.count(name) > 1})
        if twice:
            raise ValueError(
                f"instance types must differ, from the template's own too; there twice: {', '.join(twice)}"
            )
        return alternatives


class NodeTemplate(Parameters):
    """A kind of node that can be bought."""

    api_version: Literal["autoscaler/v1"] = Field(description="Always `autoscaler/v1`.")
    kind: Literal["NodeTemplate"] = Field(description="Always `NodeTemplate`.")
    metadata: Metadata = Field(description="Name of the template.")
    spec: NodeSpec = Field(description="What the API is asked for.")

    @property
    def name(self) -> str:
        """The template's name."""
        return self.metadata.name

    @property
    def has_password(self) -> bool:
        """Whether one of the places for the SSH password is given."""
        return any(getattr(self.spec, name) is not None for name in PASSWORD_FIELDS)

    def password(self) -> SecretStr:
        """The SSH password, read anew from its file or variable, so that it can be changed while the daemon runs.

        Raises:
            ConfigurationRefused: there is none, it is gone, or it breaks the API's rule by now.
        """
        spec = self.spec
        where = f"login password of node template {self.name!r}"
        if not self.has_password:
            raise ConfigurationRefused([f"{where}: there is none; ScaleOutCluster needs one"])
        return password.resolve(where, spec.login_password, spec.login_password_file, spec.login_password_env)
