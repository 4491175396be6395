"""One seed: the world, the lives of the daemon in it, and the judgement at the end.

`run(seed)` gives the outcome or raises Violation. Everything derives from the seed; the real clock is not read.
"""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path

from autoscaler.model.errors import LedgerError
from autoscaler.model.operation import Operation, Quantity
from autoscaler.ports import Ledger
from tests.simulation import people, verdict
from tests.simulation.audit import Audit, SentCall
from tests.simulation.burial import bury
from tests.simulation.clocks import MachineClock, TrueClock
from tests.simulation.dice import dice
from tests.simulation.disk import Disk
from tests.simulation.edge import EdgeSource
from tests.simulation.fates import improviser
from tests.simulation.faulty_ledger import FaultyLedger, WriteFate
from tests.simulation.life import WatchedCloud, live
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import CALL, Network, Uplink, Weather
from tests.simulation.observer import Listener, LogWatch
from tests.simulation.plan import SeedPlan, draw
from tests.simulation.processes import Process
from tests.simulation.story import Story
from tests.simulation.vendor import Vendor

_EVERY_ORDER = 1_000_000
_STILLBORN_STEPS = 120
_SOON_STEPS = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed held. `seconds` are simulated."""

    seed: int
    digest: str
    seconds: float
    counts: Counter[str]


class Simulation:
    """One seed. `folder` is an empty one of its own; `cloud` and `ledger` may be ones with a planted bug."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        cloud: type[WatchedCloud] = WatchedCloud,
        ledger: type[FaultyLedger] = FaultyLedger,
    ) -> None:
        self.plan: SeedPlan = draw(seed)
        plan = self.plan
        self.loop = VirtualLoop(dice(seed, "scheduler"))
        secrets = (plan.password.get_secret_value(), plan.scenario.access_key_secret.get_secret_value())
        self.story = Story(seed, self.loop.time, secrets)
        self.vendor = Vendor(plan.scenario, TrueClock(self.loop))
        self.clock = MachineClock(self.loop, plan.clock_offset)
        self.disk = Disk(plan.ledger, folder)
        self.audit = Audit(plan, self.story, self.loop.time, self._fail)
        self.listener = Listener(self.story, self.audit)
        troubles, now = plan.troubles, self.loop.time
        weather = Weather(dice(seed, "weather"), troubles.network, troubles.reads, plan.quiet_from)
        self.vendor.simulator.chaos.set(seed, troubles.vendor)
        self.vendor.books.scripts.improvise = improviser(
            dice(seed, "fates"), troubles.odd_purchases, plan.quiet_from, now, self.story
        )
        self.network = Network(self.loop, self.vendor, weather, self.story, Context(), plan.deadline, troubles.latest)
        self._chance = dice(seed, "deaths")
        self._write_chance = dice(seed, "writes")
        self._cloud_type = cloud
        self._ledger_type = ledger
        self._sales_seen = 0
        self._lives = 0
        self.loop.after_world = self._look_at_the_books

    def run(self) -> Outcome:
        """Run the seed. Raises Violation."""
        watch = LogWatch(self.story, self._fail)
        log = logging.getLogger("autoscaler")
        log.addHandler(watch)
        propagates, log.propagate = log.propagate, False
        gc.disable()  # what the dead left behind must not be finalized while others live
        try:
            self.loop.run(self._world())
        finally:
            log.removeHandler(watch)
            log.propagate = propagates
            self.listener.deaf = True
            bury(self.loop)
            gc.enable()
        plan = self.plan
        return Outcome(plan.seed, self.story.digest, plan.end, self.story.counts)

    def _fail(self, promise: str) -> None:
        if self.loop.fault is None:
            self.loop.fault = self.story.violation(promise)

    # The world.

    async def _world(self) -> None:
        plan, chance = self.plan, dice(self.plan.seed, "world")
        daemon = asyncio.create_task(self._supervise(), name="supervisor")
        on_call = asyncio.create_task(people.on_call(self), name="people")
        for second, step in plan.troubles.clock_steps:
            self.loop.call_at(second, self._set_clock, step)
        for _ in range(plan.troubles.by_hand):
            self.loop.call_at(chance.uniform(0, plan.quiet_from), people.buy_by_hand, self, chance)
        await asyncio.sleep(plan.quiet_from)
        self.vendor.simulator.chaos.stop()
        self.story.tell("the faults stop")
        await asyncio.sleep(max(0.0, plan.end - self.loop.time()))
        await verdict.judge(self)
        for kind, times in self.vendor.books.faults.items():
            self.story.count(f"fault: vendor's {kind}", times)
        daemon.cancel()
        on_call.cancel()

    def _set_clock(self, seconds: float) -> None:
        self.clock.offset += seconds
        self.story.count("fault: clock set")
        self.story.tell(f"the clock is set by {seconds:.1f} s")

    def _look_at_the_books(self, context: Context) -> None:
        """After every step of the world: were machines sold in it, and for which call?"""
        purchases = self.vendor.books.purchases
        while self._sales_seen < len(purchases):
            sale = purchases[self._sales_seen]
            self._sales_seen += 1
            self.audit.sold(sale, context.get(CALL))
        if self.loop.complaints:
            self._fail(f"asyncio complains: {self.loop.complaints[0]}")

    # The lives.

    async def _supervise(self) -> None:
        """As an init system: when a life ends, the next one begins after a while."""
        while True:
            await self._one_life()
            quiet = self.loop.time() >= self.plan.quiet_from
            await asyncio.sleep(2.0 if quiet else self._chance.expovariate(1 / self.plan.troubles.deaths.pause))

    async def _one_life(self) -> None:
        self._lives += 1
        self.story.count("lives")
        process, stop = Process(f"life {self._lives}"), asyncio.Event()
        life = self.loop.create_task(self._life(process, stop), context=process.context)
        fate = asyncio.create_task(self._fate(process, stop))
        killed = asyncio.create_task(process.ended.wait())
        await asyncio.wait({life, killed}, return_when=asyncio.FIRST_COMPLETED)
        fate.cancel()
        error = life.exception() if life.done() and not life.cancelled() else None
        if killed.done():
            self.disk.died()
        elif error is not None:
            self.story.count(f"exit: {type(error).__name__}")
            if not isinstance(error, LedgerError):
                self._fail(f"the daemon ended: {error!r}")
        killed.cancel()

    async def _life(self, process: Process, stop: asyncio.Event) -> None:
        plan, number = self.plan, self._lives
        stored = await self.disk.open()
        self.audit.begin_life(await stored.all(_EVERY_ORDER))
        uplink = Uplink(self.network, self.audit.called)
        nonces = dice(plan.seed, "nonces", number)
        await live(
            plan,
            cloud=self._cloud_type(plan, uplink, self.clock, nonces, self._sending(process)),
            ledger=self._faulty(stored, process),
            clock=self.clock,
            observer=self.listener,
            source=self._source(number),
            dice=dice(plan.seed, "life", number),
            stop=stop,
        )

    def _source(self, number: int) -> EdgeSource:
        plan = self.plan
        return EdgeSource(
            self.vendor.books,
            plan.scenario,
            self.clock,
            dice(plan.seed, "samples", number),
            self.story,
            plan.scrape_interval,
            plan.troubles.odd_samples,
            plan.quiet_from,
        )

    # Deaths.

    async def _fate(self, process: Process, stop: asyncio.Event) -> None:
        """What becomes of a life, as long as there are faults."""
        deaths, chance, loop = self.plan.troubles.deaths, self._chance, self.loop
        if loop.time() >= self.plan.quiet_from:
            return
        if chance.random() < deaths.stillborn:
            self._dies_in(process, chance.randint(1, _STILLBORN_STEPS), "at its start")
        await asyncio.sleep(chance.expovariate(1 / deaths.every))
        if loop.time() >= self.plan.quiet_from:
            return
        if chance.random() < deaths.held:
            self.story.count("fault: process held")
            loop.hold(process)
            loop.call_later(chance.uniform(1, 400), loop.release, process)
        elif chance.random() < deaths.graceful:
            self.story.count("stop: asked to")
            stop.set()
        else:
            self._dies_in(process, chance.randint(1, _SOON_STEPS), "between two steps")

    def _dies_in(self, process: Process, steps: int, where: str) -> None:
        if process.dies_after is None and self.loop.time() < self.plan.quiet_from:
            self.story.count(f"crash: {where}")
            process.dies_after = process.steps + steps

    def _sending(self, process: Process) -> Callable[[Operation, Quantity], SentCall]:
        def sending(operation: Operation, quantity: Quantity) -> SentCall:
            if self._chance.random() < self.plan.troubles.deaths.around_purchase:
                self._dies_in(process, self._chance.choice((1, 2, 3, 4, 5, 6, 8, 12, 20)), "around a purchase")
            return self.audit.sending(operation, quantity)

        return sending

    def _faulty(self, stored: Ledger, process: Process) -> FaultyLedger:
        async def die(where: str) -> None:
            self.story.count(f"crash: {where}")
            self.story.tell(f"dies {where}")
            self.loop.kill(process)
            await self.loop.create_future()

        return self._ledger_type(stored, self._fate_of_write, die, self.audit.durable)

    def _fate_of_write(self) -> WriteFate:
        now, deaths, chance = self.loop.time(), self.plan.troubles.deaths, self._write_chance
        if now >= self.plan.quiet_from:
            return "well"
        if any(begin <= now < end for begin, end in deaths.full):
            self.story.count("fault: disk full")
            return "full"
        draw = chance.random()
        if draw < deaths.per_write:
            return "die before" if draw < deaths.per_write / 2 else "die after"
        if draw < deaths.per_write + deaths.lies:
            self.story.count("fault: write reported as failed")
            return "lie"
        return "well"


def run(seed: int, folder: Path) -> Outcome:
    """Run one seed in an empty folder of its own. Raises Violation."""
    with suppress(asyncio.CancelledError):
        return Simulation(seed, folder).run()
    raise AssertionError("the simulation was canceled")
