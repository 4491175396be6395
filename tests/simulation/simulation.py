"""One seed: the world, the lives of the daemon in it, and the judgement at the end.

`run(seed)` gives the outcome or raises Violation. Everything derives from the seed; the real clock is not read.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path

from autoscaler.model.errors import LedgerError
from autoscaler.model.operation import Operation, Quantity
from tests.simulation import people, verdict
from tests.simulation.audit import Audit, SentCall
from tests.simulation.burial import bury
from tests.simulation.clocks import MachineClock, TrueClock
from tests.simulation.deaths import Reaper
from tests.simulation.dice import dice
from tests.simulation.disk import Disk
from tests.simulation.edge import EdgeSource
from tests.simulation.fates import improviser
from tests.simulation.life import live
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import CALL, Network, Uplink, Weather
from tests.simulation.observer import Listener
from tests.simulation.output import LogPage, Telemetry, all_logging_to
from tests.simulation.plan import SeedPlan, draw
from tests.simulation.planted import AS_SHIPPED, Wiring
from tests.simulation.processes import Process
from tests.simulation.story import Story
from tests.simulation.vendor import Vendor
from tests.simulation.witness import Witness

_EVERY_ORDER = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed held. `seconds` are simulated."""

    seed: int
    digest: str
    seconds: float
    counts: Counter[str]


class Simulation:
    """One seed. `folder` is an empty one of its own; `wiring` may hold a planted bug."""

    def __init__(self, seed: int, folder: Path, wiring: Wiring = AS_SHIPPED) -> None:
        self.plan: SeedPlan = draw(seed)
        plan = self.plan
        self.loop = VirtualLoop(dice(seed, "scheduler"))
        secrets = (plan.password.get_secret_value(), plan.scenario.access_key_secret.get_secret_value())
        self.story = Story(seed, self.loop.time, secrets)
        self.vendor = Vendor(plan.scenario, TrueClock(self.loop))
        self.clock = MachineClock(self.loop, plan.clock_offset)
        self.audit = Audit(plan, self.story, self.loop.time, self._fail)
        self.reaper = Reaper(plan, self.loop, self.story, self.audit.paces.stood_still)
        self.disk = Disk(plan.ledger, folder, self.reaper.statement, self.reaper.dies_at)
        self.witness = Witness(self.vendor.simulator, self.story)
        self.listener = Listener(self.story, self.audit, self.witness)
        self.telemetry: Telemetry | None = None
        troubles, now = plan.troubles, self.loop.time
        weather = Weather(dice(seed, "weather"), troubles.network, troubles.reads, plan.quiet_from)
        self.vendor.simulator.chaos.set(seed, troubles.vendor)
        self.vendor.books.scripts.improvise = improviser(
            dice(seed, "fates"), troubles.odd_purchases, plan.quiet_from, now, self.story
        )
        self.network = Network(self.loop, self.vendor, weather, self.story, Context(), plan.deadline, troubles.latest)
        self._wiring = wiring
        self._sales_seen = 0
        self._lives = 0
        self.loop.after_world = self._look_at_the_books

    def run(self) -> Outcome:
        """Run the seed. Raises Violation."""
        page = LogPage(self.story, self._fail)
        gc.disable()  # what the dead left behind must not be finalized while others live
        with all_logging_to(page):
            try:
                self.loop.run(self._world())
            finally:
                self.listener.deaf = page.deaf = True
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
        for _ in range(plan.troubles.removals):
            self.loop.call_at(chance.uniform(0, plan.quiet_from), people.remove_by_hand, self, chance)
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
            self.witness.sold(context)
        if self.loop.complaints:
            self._fail(f"asyncio complains: {self.loop.complaints[0]}")

    # The lives.

    async def _supervise(self) -> None:
        """As an init system: when a life ends, the next one begins after a while."""
        while True:
            await self._one_life()
            await asyncio.sleep(self.reaper.pause())

    async def _one_life(self) -> None:
        self._lives += 1
        self.story.count("lives")
        process, stop = Process(f"life {self._lives}"), asyncio.Event()
        life = self.loop.create_task(self._life(process, stop), context=process.context)
        fate = asyncio.create_task(self.reaper.follow(process, stop))
        killed = asyncio.create_task(process.ended.wait())
        await asyncio.wait({life, killed}, return_when=asyncio.FIRST_COMPLETED)
        fate.cancel()
        if self.telemetry is not None:
            self.telemetry.read()
        error = life.exception() if life.done() and not life.cancelled() else None
        if killed.done():
            self.story.count(f"crash: {process.dies_of}")
            self.disk.died(self.reaper.torn())
        elif error is not None:
            self.story.count(f"exit: {type(error).__name__}")
            if not isinstance(error, LedgerError):
                self._fail(f"the daemon ended: {error!r}")
        killed.cancel()

    async def _life(self, process: Process, stop: asyncio.Event) -> None:
        plan, number = self.plan, self._lives
        stored = await self.disk.open()
        self.audit.begin_life(await stored.all(_EVERY_ORDER), self.clock.now())
        self.telemetry = Telemetry(self.listener, self.story, full=plan.telemetry)
        uplink = Uplink(self.network, self.audit.called)
        nonces = dice(plan.seed, "nonces", number)
        await live(
            plan,
            cloud=self._wiring.cloud(plan, uplink, self.clock, nonces, self._sending(process)),
            ledger=self._wiring.ledger(
                stored,
                self.reaper.write,
                self.reaper.dying(process),
                self.audit.durable,
                self.audit.remembered.update,
            ),
            clock=self.clock,
            telemetry=self.telemetry,
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

    def _sending(self, process: Process) -> Callable[[Operation, Quantity], SentCall]:
        def sending(operation: Operation, quantity: Quantity) -> SentCall:
            self.reaper.purchase_begins(process)
            return self.audit.sending(operation, quantity)

        return sending


def run(seed: int, folder: Path, wiring: Wiring = AS_SHIPPED) -> Outcome:
    """Run one seed in an empty folder of its own. Raises Violation."""
    with suppress(asyncio.CancelledError):
        return Simulation(seed, folder, wiring).run()
    raise AssertionError("the simulation was canceled")
