"""The brakes of the whole fleet, as values; `settings` reads them, the guards pull them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Brakes:
    """When nothing is ordered anywhere.

    `max_unready_share` (0 to 1) of the fleet's nodes may be unready, `ok_unready_nodes` always may. After the API
    refused the account, `account_stop_seconds` pass without an order.
    """

    max_unready_share: float = 0.45
    ok_unready_nodes: int = 3
    account_stop_seconds: float = 900.0
