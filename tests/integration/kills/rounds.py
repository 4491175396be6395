"""One round: more demand, a kill while it is being ordered, a new daemon on the same ledger, and the books compared.

A ground and a plan come in; what the round held goes out, or BooksDiffer with all that is known about it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.reason import Reason
from tests.integration.daemon import until
from tests.integration.kills.books import Moment, bought, differences, moment
from tests.integration.kills.forks import Fork, Line
from tests.integration.kills.ground import REGIONS, SETTLE_AFTER, Account, Ground
from tests.integration.kills.plan import RoundPlan

WITHIN = 20.0
"""Seconds after which a round that is not quiet has failed."""
SETTLEMENTS = (Reason.EVIDENCE_FOUND, Reason.ABSENCE_PROVEN)
"""How a doubt may end without a human."""


class BooksDiffer(AssertionError):
    """The demand, the simulator's books and the ledger do not tell one story, or not in time."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a round held.

    `first` says how far the kill found each region's order, `later` the same for the kills of recovering daemons;
    `settlements` are the ends of doubts.
    """

    plan: RoundPlan
    first: tuple[Moment, ...]
    later: tuple[Moment, ...]
    settlements: tuple[Reason, ...]


class Rounds:
    """Rounds on one ground. The daemon of one round's end is the daemon of the next one's beginning."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._running: Fork | None = None
        self._usual = 0.0

    async def begin(self) -> None:
        """Start a daemon and let it buy once undisturbed: that tells how long submitting takes here and now."""
        daemon = await self._start()
        await daemon.logs(lambda line: line.get("ready") == 1, WITHIN)
        since = time.time()
        self._ground.raise_demand({REGIONS[0]: 1})
        await daemon.logs(_order_is("planned"), WITHIN)
        began = time.monotonic()
        await daemon.logs(_order_is("accepted"), WITHIN)
        self._usual = time.monotonic() - began
        await self._quiet("the undisturbed purchase", since)

    async def play(self, plan: RoundPlan) -> RoundResult:
        """One round. Raises BooksDiffer."""
        since = time.time()
        try:
            kills = await self._disturb(plan)
        except AssertionError as error:
            raise BooksDiffer(f"{error}\n{await self._story(str(plan), since)}") from error
        account = await self._quiet(str(plan), since)
        events = [event for history in account.histories.values() for event in history]
        return RoundResult(
            plan,
            self._moments(plan, since, kills[:1], account),
            self._moments(plan, since, kills[1:], account),
            tuple(event.reason for event in events if event.reason in SETTLEMENTS),
        )

    async def end(self) -> None:
        """Give a purchase that nobody knows of the time to show, and compare for the last time."""
        since = time.time()
        await asyncio.sleep(2 * SETTLE_AFTER)
        await self._quiet("the end of all rounds", since)
        await self._daemon.kill(0.0)

    @property
    def _daemon(self) -> Fork:
        assert self._running is not None, "begin() comes first"
        return self._running

    async def _start(self) -> Fork:
        self._running = await self._ground.daemon()
        return self._running

    async def _disturb(self, plan: RoundPlan) -> Sequence[float]:
        """Raise the demand, kill, start again; gives the moments of the kills."""
        daemon = self._daemon
        for fault in plan.faults:
            self._ground.faults.add(fault)
        daemon.forget()
        self._ground.raise_demand(plan.rises)
        await daemon.logs(_order_is("planned"), WITHIN)
        kills = [await daemon.kill(plan.kill_after(self._usual))]
        for after in plan.again:
            daemon = await self._start()
            kills.append(await daemon.kill(after))
        daemon = await self._start()
        await daemon.logs(lambda _: True, WITHIN)  # a reader must not be the first to open what a kill has left
        return kills

    async def _quiet(self, what: str, since: float) -> Account:
        """Wait until all is sold and no order is open, then compare. Raises BooksDiffer."""
        ground = self._ground

        async def quiet() -> bool:
            sold = {region: ground.books.sold(region) for region in REGIONS}
            assert all(sold[region] <= ground.wanted[region] for region in REGIONS), "more was sold than was wanted"
            return sold == ground.wanted and await ground.settled()

        try:
            await until(quiet, "all that is wanted is sold, and no order is open", WITHIN)
            await self._daemon.lives()
            account = await ground.account(since)
            problems = differences(ground.wanted, ground.books.purchases, account.orders)
            assert not problems, "; ".join(problems)
        except (AssertionError, LedgerUnusable) as error:
            raise BooksDiffer(f"{error}\n{await self._story(what, since)}") from error
        return account

    def _moments(self, plan: RoundPlan, since: float, kills: Sequence[float], account: Account) -> tuple[Moment, ...]:
        found = []
        for region in plan.rises:
            ids = [order.id for order in account.orders if order.region == region and order.id in account.histories]
            events = [event for order in ids for event in account.histories[order]]
            sales = [sale.at for sale in self._ground.books.purchases if sale.region == region and sale.at >= since]
            found += [moment(at, events, sales) for at in kills]
        return tuple(found)

    async def _story(self, what: str, since: float) -> str:
        """All that tells how it came to this."""
        ground = self._ground
        try:
            account = await ground.account(since)
        except LedgerUnusable as error:
            return f"{what}\n{error}\n{self._daemon.output}"
        lines = [what, f"submitting takes {self._usual * 1000:.0f} ms as a rule; the round began at {since:.3f}"]
        lines += [
            f"{region}: wanted {ground.wanted[region]}, sold {ground.books.sold(region)}, "
            f"bought by the ledger {bought(region, account.orders)}"
            for region in REGIONS
        ]
        lines += [f"sale {sale}" for sale in ground.books.purchases if sale.at >= since]
        for order, history in account.histories.items():
            lines.append(f"order {order}")
            lines += [f"  {e.at:.3f} {e.before} -> {e.after} {e.reason} {e.detail} {e.request_id}" for e in history]
        return "\n".join([*lines, "the last daemon's end:", self._daemon.output])


def _order_is(state: str) -> Callable[[Line], bool]:
    def fits(line: Line) -> bool:
        return line.get("event") == "order changed" and line.get("state") == state

    return fits
