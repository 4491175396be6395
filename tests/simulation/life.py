"""One life of the daemon: the engine on the real client, the ledger that the last life left, and nothing remembered."""

import asyncio
from collections.abc import Callable
from random import Random

from pydantic import SecretStr

from autoscaler.cloud.client import AlibabaCloud
from autoscaler.cloud.credentials import Credentials
from autoscaler.engine import Engine, Parts, order_ids
from autoscaler.model.operation import Operation, Quantity
from autoscaler.model.order import Receipt
from autoscaler.policy.decide import Policies
from autoscaler.ports import Clock, Ledger, SampleSource
from tests.simulation.network import CALL, Uplink
from tests.simulation.output import Telemetry
from tests.simulation.plan import SeedPlan

_DRAIN_BEYOND_CALL = 5.0


class _Key:
    """The account's key pair. Implements CredentialSource."""

    def __init__(self, plan: SeedPlan) -> None:
        scenario = plan.scenario
        self._pair = Credentials(scenario.access_key_id, scenario.access_key_secret)

    async def get(self) -> Credentials:
        return self._pair


class WatchedCloud(AlibabaCloud):
    """The real client. `sending` is told of each purchase before it is made, and gives what it is known by."""

    def __init__(
        self,
        plan: SeedPlan,
        uplink: Uplink,
        clock: Clock,
        dice: Random,
        sending: Callable[[Operation, Quantity], object],
    ) -> None:
        password: Callable[[str], SecretStr] = lambda _: plan.password  # noqa: E731
        super().__init__(
            "https://cs.simulated",
            "https://ens.simulated",
            _Key(plan),
            password,
            clock,
            nonce=lambda: f"{dice.getrandbits(64):016x}",
            timeout=plan.deadline,
        )
        self._api._transport = uplink
        self._sending = sending

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        CALL.set(self._sending(operation, quantity))
        return await super().purchase(operation, quantity)


async def live(
    plan: SeedPlan,
    *,
    cloud: AlibabaCloud,
    ledger: Ledger,
    clock: Clock,
    telemetry: Telemetry,
    source: SampleSource,
    dice: Random,
    stop: asyncio.Event,
) -> None:
    """Run the daemon until `stop`, then as SIGTERM has it. Raises LedgerUnusable when it can not start."""
    policies = Policies(
        plan.policies,
        plan.executor.capacity_max_age,
        plan.offers,
        plan.budgets,
        prices_from_api=plan.executor.price_from == "api",
    )
    parts = Parts(policies, plan.clusters, plan.executor, plan.loop, [source])
    engine = Engine(
        parts, cloud=cloud, ledger=ledger, clock=clock, observer=telemetry, new_id=order_ids(clock, dice), dice=dice
    )
    try:
        await engine.start()
        telemetry.restore(engine.executor.book.all())
        running = asyncio.create_task(engine.run(), name="engine")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            running.cancel()
            stopping.cancel()
            results = await asyncio.gather(running, stopping, return_exceptions=True)
            await engine.drain(plan.deadline + _DRAIN_BEYOND_CALL)
        if isinstance(results[0], Exception):
            raise results[0]
    finally:
        await cloud.close()
        await ledger.close()
