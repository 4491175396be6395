"""The audit: what was sold to whom for how much, what was refused, what befell calls, and how many nodes joined.

The books and a moment come in, a JSON document goes out.
"""

from collections.abc import Callable

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import Purchase

Shown = Callable[[float], float]


def audit(books: CloudBooks, now: float, shown: Shown) -> dict[str, object]:
    """The whole audit at the simulated moment `now`. Amounts are hundredths of the account's currency.

    `refused` is what callers were told, `refused_unheard` what was refused and never told, `faults` the kinds of faults
    that calls met. Nodes in the dark are among the ready ones: they run. Times in the answer are Unix seconds of the
    clock, turned by `shown`.
    """
    return {
        "sold": {region.region: books.sold(region.region) for region in books.scenario.regions},
        "sold_total": books.sold_total,
        "spent": books.spent,
        "purchases": [_line(purchase, shown) for purchase in books.purchases],
        "refused": dict(books.refusals),
        "refused_unheard": dict(books.unheard),
        "faults": dict(books.faults),
        "removed": [
            {"instance": gone.id, "region": gone.region, "at": shown(gone.removed_at)}
            for gone in books.task_book.removals
        ],
        "ready": {region.region: len(books.ready(region.region, now)) for region in books.scenario.regions},
    }


def _line(sale: Purchase, shown: Shown) -> dict[str, object]:
    return {
        "who": sale.who,
        "action": sale.action,
        "cluster": sale.cluster,
        "pool": sale.pool,
        "region": sale.region,
        "type": sale.instance_type,
        "ordered": sale.ordered,
        "nodes": sale.nodes,
        "months": sale.period,
        "amount": sale.amount,
        "executed_at": shown(sale.at),
        "request_id": sale.request_id,
        "task_id": sale.task_id,
        "instances": list(sale.instances),
    }
