"""Deciding: gather the facts of the regions that have news, ask the policy, place what it asks for."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from autoscaler.loop.bell import Bell
from autoscaler.loop.phase import Phases
from autoscaler.loop.signals import SignalBoard
from autoscaler.loop.status import StatusBoard
from autoscaler.model.decision import Facts, FleetFacts, Plan, RegionFacts
from autoscaler.model.events import PlanMade
from autoscaler.model.names import RegionId
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.planning import intents
from autoscaler.ports import Clock, Observer, OrderDesk

_log = logging.getLogger(__name__)


class Decider:
    """Owns the ticks. `interval` is the longest that a region may go undecided, in seconds.

    Regions without news are decided each at its own phase of the interval, by the wall clock.
    """

    def __init__(  # each is a port or a fact in force; a bag of them would only hide that
        self,
        policies: Policies,
        signals: SignalBoard,
        desk: OrderDesk,
        bell: Bell,
        status: StatusBoard,
        clock: Clock,
        observer: Observer,
        interval: float,
    ) -> None:
        self._policies = policies
        self._signals = signals
        self._desk = desk
        self._bell = bell
        self._status = status
        self._clock = clock
        self._observer = observer
        self._interval = interval
        self._epoch = clock.now() - clock.monotonic()
        self._tick = 0

    async def run(self) -> None:
        """Decide until canceled: the regions with news at once, each at least every `interval` seconds."""
        phases = Phases(self._policies.by_region, self._interval, self._steady())
        while True:
            due = phases.next()
            quiet = self._interval if due is None else max(0.0, due - self._steady())
            touched = await self._bell.heard(min(quiet, self._interval)) | phases.take(self._steady())
            self._status.beat(self._clock.monotonic())
            served = [region for region in touched if region in self._policies.by_region]
            if served:
                await self._tick_or_tell(served)

    def _steady(self) -> float:
        """Seconds that agree with the wall clock as it was at the start, and do not jump with it later.

        So the phases are the same after a restart, and a clock that is set leaves no region undecided.
        """
        return self._epoch + self._clock.monotonic()

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
        facts = self.facts(self._policies.with_siblings(regions))
        started = self._clock.monotonic()
        plan = decide(facts, self._policies)
        self._status.post(plan)
        self._observer.notice(PlanMade(plan, self._clock.monotonic() - started))
        await self._desk.place(intents(plan))
        return plan

    def facts(self, regions: Iterable[RegionId]) -> Facts:
        """What is known about these regions now."""
        board, desk, served = self._signals.signals, self._desk, self._policies.by_region
        known = {
            region: RegionFacts(
                region,
                board(served[region], region),
                desk.capacity(region),
                tuple(desk.orders(region)),
                desk.tally(region),
            )
            for region in sorted(regions)
        }
        return Facts(self._tick, self._clock.now(), known, self._fleet())

    def _fleet(self) -> FleetFacts:
        """The fleet; the ready nodes of a region whose targets are all silent count as unready, too."""
        fleet = self._desk.fleet()
        silent = (region for region in self._policies.by_region if self._signals.silent(region))
        read = (self._desk.capacity(region) for region in silent)
        return replace(fleet, unready=fleet.unready + sum(len(capacity.ready) for capacity in read if capacity))
