"""The people: they read the alerts, look into the vendor's books, and tell the autoscaler what they found.

They are slow, and truthful. What they say goes into the ledger as the command line would write it.
"""

import asyncio
from random import Random
from typing import TYPE_CHECKING

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.errors import LedgerError
from autoscaler.model.names import InstanceId
from autoscaler.model.order import Order, OrderState
from autoscaler.simulator.records import Refusal

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

_ROUNDS = 3
_SEVERAL = 2
_IN_DOUBT = frozenset({OrderState.IN_DOUBT, OrderState.OVERDUE})


async def on_call(simulation: "Simulation") -> None:
    """Come a few times in either part, and settle what does not settle itself."""
    plan = simulation.plan
    for until in (plan.quiet_from, plan.end):
        pause = (until - simulation.loop.time()) / (_ROUNDS + 1)
        for _ in range(_ROUNDS):
            await asyncio.sleep(pause)
            for act in _acts(simulation):
                await _say(simulation, act)
        await asyncio.sleep(pause)


async def _say(simulation: "Simulation", act: Act) -> None:
    try:
        await simulation.disk.file(act)
    except LedgerError as error:  # a daemon that died while it made the file
        simulation.story.tell(f"a person is refused: {type(error).__name__}")
        return
    simulation.story.count(f"people: {act.kind}")
    simulation.story.tell(f"a person says: {act.kind} {act.subject}")


def buy_by_hand(simulation: "Simulation", chance: Random) -> None:
    """A person buys at the console, without a word to the autoscaler."""
    region = chance.choice(simulation.plan.regions)
    now = simulation.vendor.simulator.now()
    try:
        simulation.vendor.books.buy_by_hand(region, chance.randint(1, 2), now, joins=chance.random() < 0.7)
    except Refusal as refusal:
        simulation.story.tell(f"a person can not buy in {region}: {refusal.code}")


def remove_by_hand(simulation: "Simulation", chance: Random) -> None:
    """A person takes a node out of its cluster: one of several, so that its region still has one."""
    region, books = chance.choice(simulation.plan.regions), simulation.vendor.books
    now = simulation.vendor.simulator.now()
    ready = books.ready(region, now)
    if len(ready) < _SEVERAL:
        return
    gone = books.remove_by_hand(chance.choice(ready).id, now)
    simulation.audit.removed(region, InstanceId(gone.id))
    simulation.story.count("people: removed a node")
    simulation.story.tell(f"a person takes {gone.id} in {region} out of its cluster")


def _acts(simulation: "Simulation") -> list[Act]:
    now, settle = simulation.clock.now(), simulation.plan.executor.settle_after
    orders = [o for o in simulation.audit.orders.values() if o.state in _IN_DOUBT]
    old = [o for o in orders if (o.submitted_at or o.created_at) < now - 2 * settle]
    acts = [_resolve(simulation, order, now) for order in old]
    if simulation.audit.latched():
        acts.append(Act(ActKind.RELEASE, EVERYWHERE, "checked on site", "person", now))
    return acts


def _resolve(simulation: "Simulation", order: Order, now: float) -> Act:
    bought = order.id in simulation.audit.sales or bool(order.instances)
    kind = ActKind.RESOLVE_BOUGHT if bought else ActKind.RESOLVE_NOT_BOUGHT
    return Act(kind, order.id, "seen in the vendor's console", "person", now)
