"""Deciding: gather the facts of the regions that have news, ask the policy, place what it asks for."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from autoscaler.loop.bell import Bell
from autoscaler.loop.signals import SignalBoard
from autoscaler.loop.status import StatusBoard
from autoscaler.model.decision import Facts, Plan, RegionFacts
from autoscaler.model.events import PlanMade
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Operation
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.planning import intents
from autoscaler.ports import Clock, Observer, OrderDesk

_log = logging.getLogger(__name__)


class Decider:
    """Owns the ticks. `interval` is the longest that a region may go undecided, in seconds."""

    def __init__(  # each is a port or a fact in force; a bag of them would only hide that
        self,
        policies: Policies,
        operations: Mapping[RegionId, Operation],
        signals: SignalBoard,
        desk: OrderDesk,
        bell: Bell,
        status: StatusBoard,
        clock: Clock,
        observer: Observer,
        interval: float,
    ) -> None:
        self._policies = policies
        self._operations = operations
        self._signals = signals
        self._desk = desk
        self._bell = bell
        self._status = status
        self._clock = clock
        self._observer = observer
        self._interval = interval
        self._tick = 0

    async def run(self) -> None:
        """Decide until canceled: the regions with news at once, all of them at least every `interval` seconds."""
        next_full = self._clock.monotonic()
        while True:
            touched = await self._bell.heard(max(0.0, next_full - self._clock.monotonic()))
            if self._clock.monotonic() >= next_full:
                touched = frozenset(self._policies.by_region)
                next_full = self._clock.monotonic() + self._interval
            self._status.beat(self._clock.monotonic())
            served = [region for region in touched if region in self._policies.by_region]
            if served:
                await self._tick_or_tell(served)

    async def _tick_or_tell(self, regions: Sequence[RegionId]) -> None:
        """A fault in one tick must not end the loop: the regions stay as they are and are decided again."""
        try:
            await self.tick(regions)
        except Exception:  # noqa: BLE001  # told with its traceback; the loop goes on
            _log.exception(
                "a tick over %d regions met a fault of this program; nothing was ordered by it", len(regions)
            )

    async def tick(self, regions: Iterable[RegionId]) -> Plan:
        """One tick over these regions."""
        self._tick += 1
        facts = self.facts(regions)
        started = self._clock.monotonic()
        plan = decide(facts, self._policies)
        self._status.post(plan)
        self._observer.notice(PlanMade(plan, self._clock.monotonic() - started))
        await self._desk.place(intents(plan, self._operations))
        return plan

    def facts(self, regions: Iterable[RegionId]) -> Facts:
        """What is known about these regions now."""
        return Facts(
            self._tick,
            self._clock.now(),
            {region: self._region(region) for region in regions},
        )

    def _region(self, region: RegionId) -> RegionFacts:
        signals = self._signals.signals(self._policies.by_region[region], region)
        return RegionFacts(region, signals, self._desk.capacity(region), tuple(self._desk.orders(region)))
