"""Errors, named by the reaction they call for.

AutoscalerError
├── CloudError                 a call to the cloud did not succeed
│   ├── Throttled              wait, then send again: nothing was executed
│   ├── Busy                   the cluster or pool takes no order now: this one waits, nothing was executed
│   ├── Unavailable            never left this machine: send again
│   ├── OutcomeUnknown         sent, and nobody knows: a purchase is in doubt
│   ├── OutOfStock             this region and type back off
│   ├── QuotaExceeded          stop this region, tell a human
│   ├── BalanceExhausted       the account has no money: stop all purchases, tell a human
│   ├── Rejected               never send this request again
│   ├── Forbidden              stop all purchases, tell a human
│   └── NotFound               the object is not there
├── LedgerError                the ledger did not do what was asked
│   ├── UnsettledOrderExists   the region already has an order whose purchase is undecided
│   ├── StaleOrder             somebody else changed the order first
│   ├── UnknownOrder           no order has that id
│   ├── BudgetExceeded         the order would cost more than a budget has left
│   └── LedgerUnusable         corrupt, newer than this program, locked, full: order nothing
├── IllegalTransition          the order's state machine has no such step
└── ConfigurationRefused       what the operator wrote can not be run
"""

from collections.abc import Sequence


class AutoscalerError(Exception):
    """Everything that this program raises on purpose."""


class CloudError(AutoscalerError):
    """A call to the cloud did not succeed.

    Attributes: `action` (API operation), `code` (the API's error code, or a transport word), `status` (HTTP, or None),
    `request_id` (the API's, or empty). The message holds no secret and at most 300 characters of the answer.
    """

    def __init__(
        self, action: str, code: str, message: str = "", *, status: int | None = None, request_id: str = ""
    ) -> None:
        self.action = action
        self.code = code
        self.status = status
        self.request_id = request_id
        super().__init__(f"{action}: {code}" + (f": {message}" if message else ""))


class Throttled(CloudError):
    """Refused for now; nothing was executed. `retry_after` is seconds, None when the answer does not say."""

    def __init__(
        self, *args: str, retry_after: float | None = None, status: int | None = None, request_id: str = ""
    ) -> None:
        super().__init__(*args, status=status, request_id=request_id)
        self.retry_after = retry_after


class Busy(CloudError):
    """The cluster or node pool is in a state that takes no order now; nothing was executed."""


class Unavailable(CloudError):
    """The request never left this machine (DNS, refused, TLS): it is safe to send again."""


class OutcomeUnknown(CloudError):
    """The request may have been executed: timeout after sending, reset, an unreadable or a 5xx answer."""


class OutOfStock(CloudError):
    """The region has no such instances left; nothing was executed."""


class QuotaExceeded(CloudError):
    """A quota forbids the purchase; nothing was executed."""


class BalanceExhausted(CloudError):
    """The account's balance does not cover the purchase; nothing was executed."""


class Rejected(CloudError):
    """The request is wrong and stays wrong; nothing was executed."""


class Forbidden(CloudError):
    """Credentials or permissions are missing; nothing was executed."""


class NotFound(CloudError):
    """The object asked for is not there."""


class LedgerError(AutoscalerError):
    """The ledger did not do what was asked; nothing was changed."""


class UnsettledOrderExists(LedgerError):
    """The (cluster, region) already has an order whose purchase is undecided."""


class StaleOrder(LedgerError):
    """The stored order has another version than the one to be replaced."""


class UnknownOrder(LedgerError):
    """No order has that id."""


class BudgetExceeded(LedgerError):
    """The order would cost more than a budget has left; nothing was reserved."""


class LedgerUnusable(LedgerError):
    """The ledger can not be read or written: corrupt, newer than this program, locked, or the disk is full."""


class IllegalTransition(AutoscalerError):
    """The order's state machine has no such step."""

    def __init__(self, order: str, before: str, after: str) -> None:
        super().__init__(f"order {order} can not go from {before} to {after}")


class AddressUnusable(AutoscalerError):
    """The web address can not be listened on: in use, or not this machine's."""


class ConfigurationRefused(AutoscalerError):
    """What the operator wrote can not be run. `problems` holds one readable text per mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
