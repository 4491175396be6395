"""How the lives of the daemon end, and what its disk does to it: drawn from the seed, as long as there are faults."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from tests.simulation.dice import dice
from tests.simulation.disk import StatementFate
from tests.simulation.faulty_ledger import WriteFate
from tests.simulation.loop import VirtualLoop
from tests.simulation.plan import SeedPlan
from tests.simulation.processes import PROCESS, Process
from tests.simulation.story import Story

_STILLBORN_STEPS = 120
_SOON_STEPS = 60
_AROUND = (1, 2, 3, 4, 5, 6, 8, 12, 20)
_LONGEST_STOP = 400.0
_RESTART = 2.0


class Reaper:
    """Ends lives. `stood_still` is told of a process that was stopped, when it goes on."""

    def __init__(self, plan: SeedPlan, loop: VirtualLoop, story: Story, stood_still: Callable[[], None]) -> None:
        self._quiet_from = plan.quiet_from
        self._deaths = plan.troubles.deaths
        self._loop = loop
        self._story = story
        self._stood_still = stood_still
        self._chance: Random = dice(plan.seed, "deaths")
        self._writes: Random = dice(plan.seed, "writes")

    async def follow(self, process: Process, stop: asyncio.Event) -> None:
        """Decide what becomes of a life, and see to it."""
        deaths, chance, loop = self._deaths, self._chance, self._loop
        if self._is_quiet():
            return
        if chance.random() < deaths.stillborn:
            self._dies_in(process, chance.randint(1, _STILLBORN_STEPS), "at its start")
        await asyncio.sleep(chance.expovariate(1 / deaths.every))
        if self._is_quiet():
            return
        if chance.random() < deaths.held:
            self._story.count("fault: process held")
            loop.hold(process)
            loop.call_later(chance.uniform(1, _LONGEST_STOP), self._go_on, process)
        elif chance.random() < deaths.graceful:
            self._story.count("stop: asked to")
            stop.set()
        else:
            self._dies_in(process, chance.randint(1, _SOON_STEPS), "between two steps")

    def pause(self) -> float:
        """Seconds until the next life begins: soon after the faults stop, at the latest."""
        if self._is_quiet():
            return _RESTART
        return min(self._chance.expovariate(1 / self._deaths.pause), self._quiet_from - self._loop.time() + _RESTART)

    def purchase_begins(self, process: Process) -> None:
        """The process is about to buy: a good moment to die within the next few steps."""
        if self._chance.random() < self._deaths.around_purchase:
            self._dies_in(process, self._chance.choice(_AROUND), "around a purchase")

    def write(self) -> WriteFate:
        """What becomes of one write to the ledger."""
        now, deaths, chance = self._loop.time(), self._deaths, self._writes
        if self._is_quiet():
            return "well"
        if any(begin <= now < end for begin, end in deaths.full):
            self._story.count("fault: disk full")
            return "full"
        draw = chance.random()
        if draw < deaths.per_write:
            return "die before" if draw < deaths.per_write / 2 else "die after"
        if draw < deaths.per_write + deaths.lies:
            self._story.count("fault: write reported as failed")
            return "lie"
        return "well"

    def statement(self) -> StatementFate:
        """What becomes of one statement of SQLite that writes."""
        if self._is_quiet() or self._writes.random() >= self._deaths.per_statement:
            return "well"
        return self._writes.choice(("between two statements", "inside a commit"))

    def torn(self) -> float:
        """The share (0 to 1) of a commit that reached the disk."""
        return self._writes.random()

    def dies_at(self, where: str) -> None:
        """The process that runs dies in the midst of a step; what the step still does is undone by the disk."""
        process = PROCESS.get()
        if process is not None and process.alive:
            self._story.tell(f"dies {where}")
            process.dies_of = where
            self._loop.kill(process)

    def dying(self, process: Process) -> Callable[[str], Awaitable[None]]:
        """How a process dies in the midst of a write: it is killed, and the write never returns."""

        async def die(where: str) -> None:
            self._story.tell(f"dies {where}")
            process.dies_of = where
            self._loop.kill(process)
            await self._loop.create_future()

        return die

    def _is_quiet(self) -> bool:
        return self._loop.time() >= self._quiet_from

    def _go_on(self, process: Process) -> None:
        self._stood_still()
        self._loop.release(process)

    def _dies_in(self, process: Process, steps: int, where: str) -> None:
        if process.dies_after is None and not self._is_quiet():
            process.dies_of = where
            process.dies_after = process.steps + steps
