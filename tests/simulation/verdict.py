"""The verdict: what must be true at the end, when nothing has gone wrong for two hours.

The ledger and the vendor's books tell the same, every region has what its demand needs or somebody was told the true
reason why not, and no secret was put out.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autoscaler.model.order import Order, OrderState
from tests.simulation.shortfall import Shortfall, told_of

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

_LONG_ENOUGH = 1800.0
"""Seconds after which an order without an answer is stuck."""


async def judge(simulation: "Simulation") -> None:
    """Judge a seed at its end. Raises Violation."""
    for promise in (*_books(simulation), *_regions(simulation), *_secrets(simulation)):
        raise simulation.story.violation(promise)


def _books(simulation: "Simulation") -> Iterator[str]:
    """Ledger = the cloud's books."""
    audit = simulation.audit
    by_hand = {one for sale in simulation.vendor.books.purchases if sale.who == "hand" for one in sale.instances}
    for order in audit.orders.values():
        sale = audit.sales.get(order.id)
        sold = frozenset(sale.instances) if sale else frozenset()
        strange = order.instances - sold
        if strange - by_hand:
            yield f"{_named(order)} claims {len(strange)} nodes that were not sold for it"
        if strange & by_hand:  # nobody can tell them apart where no task does; it buys too little, never twice
            simulation.story.count("nodes bought by hand and taken for an order's", len(strange & by_hand))
        made = len(sold | order.instances)  # more than were ordered, where the vendor made more
        told = order.state.final and order.state is not OrderState.ABANDONED
        if order.bought < min(order.nodes, made) or (told and order.bought > made):
            yield f"{_named(order)} counts {order.bought} nodes, {made} were sold for it"
        old = order.created_at < simulation.clock.now() - _LONG_ENOUGH
        if old and order.state in {OrderState.PLANNED, OrderState.SUBMITTING}:
            yield f"{_named(order)} is still under way"


def _named(order: Order) -> str:
    return f"order {order.id} ({order.state}, {order.nodes} nodes in {order.region}, {order.reason}: {order.detail})"


def _regions(simulation: "Simulation") -> Iterator[str]:
    """Every region has the nodes that its demand needs, or a human is called and told why not, and that is true."""
    for region in simulation.plan.regions:
        told = told_of(simulation, region)
        said = {one.reason for one in told}
        series = simulation.telemetry.calls_for(region) if simulation.telemetry else None
        calls = said if series is None else series
        for reason in said:
            simulation.story.count(f"attention: {reason}")
        if silent := said - calls:
            yield f"{region}: {', '.join(sorted(silent))} is not among the series that call a human"
        shortfall = Shortfall.of(simulation, region)
        if shortfall.nodes > 0 and not any(map(shortfall.explains, sorted(calls))) and not shortfall.elsewhere():
            reasons = ", ".join(f"{one.reason} ({one.detail})" for one in told)
            decision = simulation.audit.decisions.get(region)
            yield f"{shortfall}, and {sorted(calls)} does not explain it. Told: {reasons}. Decided: {decision}"


def _secrets(simulation: "Simulation") -> Iterator[str]:
    story, written = simulation.story, simulation.disk.bytes_written()
    for order in simulation.audit.orders.values():
        story.watch(repr(order))
    for text in story.leaked:
        yield f"a secret was put out: {text}"
    for secret in (simulation.plan.password, simulation.plan.scenario.access_key_secret):
        if secret.get_secret_value().encode() in written:
            yield "a secret is in the ledger's file"
