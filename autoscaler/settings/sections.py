"""The sections of autoscaler.yaml that belong to the daemon itself. Values only; each field says its unit."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from autoscaler.settings.base import Duration, Strict


class LedgerSettings(Strict):
    """Where orders are kept."""

    path: Path = Field(default=Path("autoscaler.db"), description="SQLite file; relative to autoscaler.yaml.")


class LoopSettings(Strict):
    """How often regions are decided."""

    interval: Duration = Field(default=30.0, gt=0, description="Seconds: the longest that a region goes undecided.")
    coalesce: Duration = Field(default=0.05, ge=0, description="Seconds that a wake-up waits for others to join it.")


class PurchaseLimits(Strict):
    """The pace of purchase calls, over all regions together."""

    per_minute: float = Field(default=30.0, gt=0, allow_inf_nan=False, description="Purchase calls per minute.")
    burst: int = Field(default=1, ge=1, description="Purchase calls that may go at once after a quiet time.")
    concurrency: int = Field(default=4, ge=1, description="Purchase calls that may be under way at a time.")


class ReadLimits(Strict):
    """The pace of calls that only read."""

    per_second: float = Field(default=10.0, gt=0, allow_inf_nan=False, description="Read calls per second.")
    burst: int = Field(default=20, ge=1, description="Read calls that may go at once after a quiet time.")


class ExecutorSettings(Strict):
    """How orders are placed and followed. All times are seconds, written as durations."""

    purchases: PurchaseLimits = Field(default=PurchaseLimits(), description="Pace of purchase calls.")
    reads: ReadLimits = Field(default=ReadLimits(), description="Pace of read calls.")
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


class LogSettings(Strict):
    """What is logged and how."""

    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, JSON lines otherwise."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severity logged.")
