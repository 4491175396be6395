"""The sections of autoscaler.yaml that belong to the daemon itself. Values only; each field says its unit."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from autoscaler.model.operation import OperationName
from autoscaler.settings.base import Duration, Strict
from autoscaler.settings.web_tls import TlsServer

DAY = 86_400.0


class LedgerSettings(Strict):
    """Where orders are kept, and for how long."""

    path: Path = Field(default=Path("autoscaler.db"), description="SQLite file; relative to autoscaler.yaml.")
    retention: Duration = Field(
        default=400 * DAY,
        ge=40 * DAY,
        description="Seconds for which settled orders and their history are kept; at least 40 days, for the budgets.",
    )


class LoopSettings(Strict):
    """How often regions are decided."""

    interval: Duration = Field(default=30.0, gt=0, description="Seconds: the longest that a region goes undecided.")
    coalesce: Duration = Field(default=0.05, ge=0, description="Seconds that a wake-up waits for others to join it.")


ReadAction = Literal[
    "DescribeTaskInfo",
    "DescribeClusterTasks",
    "DescribeClusterNodes",
    "DescribeInstances",
    "DescribeNodePool",
    "DescribePrePaidInstanceStock",
    "DescribePrice",
]
"""The kinds of read calls. DescribeNodePool stands for both products' ways to read a node pool."""


class PurchasePace(Strict):
    """The pace of one purchase operation."""

    per_minute: float = Field(gt=0, allow_inf_nan=False, description="Purchase calls per minute.")
    burst: int = Field(default=1, ge=1, description="Purchase calls that may go at once after a quiet time.")


class PurchaseLimits(PurchasePace):
    """The pace of purchase calls over all regions together; each operation of the API has its own."""

    per_minute: float = Field(default=30.0, gt=0, allow_inf_nan=False, description="Purchase calls per minute.")
    concurrency: int = Field(default=4, ge=1, description="Purchase calls of one operation under way at a time.")
    per_action: dict[OperationName, PurchasePace] = Field(
        default={}, description="Operations with a pace of their own instead of the one above."
    )

    def pace(self, action: str) -> PurchasePace:
        """The pace of one operation."""
        return next((pace for name, pace in self.per_action.items() if name == action), self)


class ReadPace(Strict):
    """The pace of one read call."""

    per_second: float = Field(gt=0, allow_inf_nan=False, description="Calls per second, pages counted.")
    burst: int = Field(default=20, ge=1, description="Calls that may go at once after a quiet time.")


class ReadLimits(ReadPace):
    """The pace of calls that only read; each operation of the API has its own."""

    per_second: float = Field(default=10.0, gt=0, allow_inf_nan=False, description="Calls per second, pages counted.")
    purchase_share: float = Field(
        default=0.3,
        gt=0,
        lt=1,
        description="Share of each pace that is kept for what must be read before a purchase (0 to 1): polling can "
        "not use it up.",
    )
    per_action: dict[ReadAction, ReadPace] = Field(
        default={}, description="Calls with a pace of their own instead of the one above."
    )

    def pace(self, action: str) -> ReadPace:
        """The pace of one call."""
        return next((pace for name, pace in self.per_action.items() if name == action), self)


class BackoffSettings(Strict):
    """Pauses between two tries of one order: random, up to a limit that doubles from try to try (full jitter)."""

    first: Duration = Field(default=1.0, gt=0, description="Seconds: the longest pause after the first try.")
    longest: Duration = Field(default=60.0, gt=0, description="Seconds: the longest pause at all.")


class BrakeSettings(Strict):
    """What stops purchases in the whole fleet. The brakes of one region are in its policy."""

    max_unready_percent: float = Field(
        default=45.0,
        ge=0,
        le=100,
        description="Percent of the fleet's nodes that may be unready; beyond it nothing is ordered anywhere, since a "
        "lost uplink looks like that.",
    )
    ok_unready_nodes: int = Field(default=3, ge=0, description="Unready nodes that never stop the fleet.")
    account_stop: Duration = Field(
        default=900.0,
        gt=0,
        description="Seconds without any order after the API refused the account (permissions, credentials, balance); "
        "then one order at a time tries again. `autoscaler release` ends it at once.",
    )


class ExecutorSettings(Strict):
    """How orders are placed and followed. All times are seconds, written as durations."""

    purchases: PurchaseLimits = Field(default=PurchaseLimits(), description="Pace of purchase calls.")
    reads: ReadLimits = Field(default=ReadLimits(), description="Pace of read calls.")
    backoff: BackoffSettings = Field(default=BackoffSettings(), description="Pauses between two tries of one order.")
    check_stock: bool = Field(default=False, description="Ask DescribePrePaidInstanceStock before each order.")
    price_from: Literal["template", "api"] = Field(
        default="template",
        description="Where an order's cost comes from: the price in its NodeTemplate, or ENS DescribePrice.",
    )
    decision_valid_for: Duration = Field(
        default=120.0, gt=0, description="Seconds after its decision that an order may still be sent."
    )
    settle_after: Duration = Field(
        default=300.0, gt=0, description="Seconds after which missing traces prove that a call in doubt bought nothing."
    )
    clock_skew: Duration = Field(
        default=900.0,
        ge=0,
        description="Seconds that the cloud's clock may differ from ours; the API accepts signatures up to 900 s off.",
    )
    poll_interval: Duration = Field(default=10.0, gt=0, description="Seconds between two looks at orders under way.")
    node_deadline: Duration = Field(
        default=3600.0, gt=0, description="Seconds until a node that was bought is overdue."
    )
    capacity_max_age: Duration = Field(
        default=120.0, gt=0, description="Seconds after which a reading of the nodes is too old to order on."
    )


class WebSettings(Strict):
    """Where metrics, health and the status page are served."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    tls: TlsServer | None = Field(default=None, description="Serve HTTPS; plain HTTP without it.")


class LogSettings(Strict):
    """What is logged and how."""

    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, JSON lines otherwise."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severity logged.")
