"""Acts: what a human tells the autoscaler to do, kept in the ledger with the reason that was given."""

from dataclasses import dataclass
from enum import StrEnum

EVERYWHERE = "*"
"""The subject of an act that is about the whole account."""


class ActKind(StrEnum):
    """What is asked for. The words are stored in the ledger: never rename one."""

    RESOLVE_BOUGHT = "resolve_bought"
    RESOLVE_NOT_BOUGHT = "resolve_not_bought"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `subject` is an order id for the first two kinds, a region or EVERYWHERE for a release.

    Times are Unix seconds. `by` is the name of the operating system's user. `id` is 0 until the ledger gives one.
    `done_at` is None while nobody has carried it out; `outcome` is then empty, later what came of it.
    """

    kind: ActKind
    subject: str
    reason: str
    by: str
    at: float
    id: int = 0
    done_at: float | None = None
    outcome: str = ""
