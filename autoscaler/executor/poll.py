"""Polling: what there is, what became of the orders, what a human asked for; every `poll_interval` seconds.

The cloud and the ledger come in; capacities, orders moved on and regions to be decided again go out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from autoscaler.executor.acts import carry_out_pending
from autoscaler.executor.book import OrderBook
from autoscaler.executor.evidence import ClusterTasks
from autoscaler.executor.recover import Recoverer
from autoscaler.executor.survey import Memory, Survey, survey
from autoscaler.executor.track import Tracker
from autoscaler.model.capacity import Capacity
from autoscaler.model.errors import CloudError, LedgerError, LedgerUnusable
from autoscaler.model.events import CapacityRead, CapacityUnreadable
from autoscaler.model.names import ClusterId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.ports import Clock, Cloud, Ledger, Observer
from autoscaler.settings.sections import DAY, ExecutorSettings

_FOLLOWED = frozenset({OrderState.ACCEPTED, OrderState.OVERDUE})
_POLLED = _FOLLOWED | {OrderState.IN_DOUBT}
_log = logging.getLogger(__name__)


class Poller:
    """Looks at the clusters. `capacities` holds the last reading of every region, however old."""

    def __init__(
        self,
        cloud: Cloud,
        ledger: Ledger,
        book: OrderBook,
        clock: Clock,
        observer: Observer,
        clusters: Mapping[ClusterId, Iterable[RegionId]],
        wake: Callable[[Iterable[RegionId]], None],
        *,
        tracker: Tracker,
        recoverer: Recoverer,
        send: Callable[[Order], None],
        drop_withdrawn: Callable[[], None],
        withdraw_unknown: Callable[[], Awaitable[None]],
        must_withdraw: Callable[[], bool],
        settings: ExecutorSettings,
        retention: float,
    ) -> None:
        self._cloud = cloud
        self._ledger = ledger
        self._book = book
        self._clock = clock
        self._observer = observer
        self._clusters = {cluster: tuple(sorted(regions)) for cluster, regions in clusters.items()}
        self._wake = wake
        self._tracker = tracker
        self._recoverer = recoverer
        self._send = send
        self._drop_withdrawn = drop_withdrawn
        self._withdraw_unknown = withdraw_unknown
        self._must_withdraw = must_withdraw
        self._followed: set[ClusterId] = set()
        self._settings = settings
        self._retention = retention
        self._memory = Memory(lag=settings.settle_after)
        self._prune_at = clock.monotonic()
        self.capacities: dict[RegionId, Capacity] = {}

    def unread(self) -> Sequence[RegionId]:
        """Regions of the fleet that have not been read yet."""
        return [region for regions in self._clusters.values() for region in regions if region not in self.capacities]

    async def start(self) -> None:
        """Take up what a former process knew. Raises LedgerUnusable."""
        self._memory.restore(await self._ledger.remembered())

    async def run(self) -> None:
        """Look until canceled. Orders are followed beside it: reading many tasks must not make the capacities old."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._listen_to_humans()
                self._drop_withdrawn()
                await self._mend()
                touched = await asyncio.gather(
                    *(self._look_at(cluster, group) for cluster in sorted(self._clusters_to_read()))
                )
                self._wake(region for regions in touched for region in regions)
                await self._forget_old_orders()
                await self._clock.sleep(self._settings.poll_interval)

    async def _listen_to_humans(self) -> None:
        try:
            done, regions = await carry_out_pending(self._ledger, self._book, self._clock, self._observer)
        except LedgerError as error:
            self._tell("what a human asked for waits for the ledger", error)
            return
        except Exception:  # noqa: BLE001  # it must not keep the clusters from being read
            _log.exception("what a human asked for met a fault of this program")
            return
        if done:
            self._wake(regions or self.capacities)

    def _tell(self, what: str, error: LedgerError) -> None:
        _log.warning("%s: %s", what, error)
        if isinstance(error, LedgerUnusable) and self._book.ledger_fault is None:
            self._book.refused(error)

    async def _mend(self) -> None:
        """After the ledger refused a write: settle what it holds all the same, and try whether it takes one again."""
        if self._must_withdraw() or self._book.ledger_fault is not None:
            await self._withdraw_unknown()
        if self._book.ledger_fault is None:
            return
        known = dict(list(self._memory.sites.items())[:1])
        try:
            await self._ledger.remember(known, self._clock.now())
        except LedgerError:
            return  # it was told when it began
        if known:
            self._book.usable()

    async def _forget_old_orders(self) -> None:
        """Once a day: what is older than the retention goes, in the ledger only; what it sums up to stays."""
        if self._clock.monotonic() < self._prune_at:
            return
        self._prune_at = self._clock.monotonic() + DAY
        try:
            # Counted from the newest order, where the clock is ahead of it: one wrong clock must not forget it all.
            await self._ledger.prune(min(self._clock.now(), self._book.newest_settled) - self._retention)
        except LedgerError as error:
            self._tell("old orders can not be pruned", error)

    def _clusters_to_read(self) -> frozenset[ClusterId]:
        """The configured clusters, and those of open orders: an order outlives its line in the fleet."""
        return frozenset(self._clusters) | {order.operation.cluster for order in self._book.open()}

    async def _look_at(self, cluster: ClusterId, group: asyncio.TaskGroup) -> frozenset[RegionId]:
        """Read one cluster, and let its orders be followed if they are not yet; gives the regions with news."""
        # Chosen before the reading begins: it must be later than the call of every order that it is held against.
        mine = [o for o in self._book.open() if o.operation.cluster == cluster and o.state in _POLLED]
        regions = tuple(sorted({*self._clusters.get(cluster, ()), *(order.region for order in mine)}))
        self._memory.bought = self._book.bought
        try:
            seen = await survey(self._cloud, cluster, regions, self._clock, self._memory)
        except CloudError as error:
            return await self._unread(mine, cluster, str(error))
        except Exception as error:  # noqa: BLE001  # one cluster's fault stays with that cluster
            _log.exception("cluster %s met a fault of this program while it was read", cluster)
            return await self._unread(mine, cluster, type(error).__name__)
        await self._remember()
        news = self._news(seen)
        if cluster not in self._followed:
            self._followed.add(cluster)
            group.create_task(self._follow(cluster, mine, seen), name=f"executor: follow {cluster}")
        return news

    async def _unread(self, mine: Iterable[Order], cluster: ClusterId, why: str) -> frozenset[RegionId]:
        """Tell it; orders past their deadline are overdue all the same."""
        self._observer.notice(CapacityUnreadable(f"cluster {cluster}: {why}"))
        late = [
            await self._guarded(order, lambda one: self._tracker.late(one, why))
            for order in mine
            if order.state in _FOLLOWED
        ]
        return frozenset(region for regions in late for region in regions)

    async def _follow(self, cluster: ClusterId, mine: Sequence[Order], seen: Survey) -> None:
        """Move the orders of one cluster on by one reading of it."""
        try:
            tasks = ClusterTasks(
                self._cloud, cluster, min((self._recoverer.since(order) for order in mine), default=0.0)
            )
            moved = await asyncio.gather(
                *(self._guarded(order, lambda one: self._advance(one, seen, tasks)) for order in mine)
            )
            self._wake(region for regions in moved for region in regions)
        finally:
            self._followed.discard(cluster)

    async def _remember(self) -> None:
        """Keep new nodes in the ledger, so that a restart forgets none of them. What is refused is tried again."""
        new = self._memory.new()
        if not new:
            return
        try:
            await self._ledger.remember(new, self._clock.now())
        except LedgerError as error:
            self._tell("new nodes can not be remembered", error)
            return
        self._memory.kept.update(new)

    def _news(self, seen: Survey) -> frozenset[RegionId]:
        """Keep the reading; gives the regions whose nodes changed, or could not be trusted before."""
        for region, why in seen.refused.items():
            self._observer.notice(CapacityUnreadable(f"region {region}: {why}"))
        # A region that has moved to another cluster is read there; here its old orders are followed only.
        own = {region: now for region, now in seen.capacities.items() if region in self._clusters.get(seen.cluster, ())}
        news = frozenset(region for region, now in own.items() if self._is_news(self.capacities.get(region), now))
        self.capacities.update(own)
        self._observer.notice(CapacityRead(tuple(own.values()), seen.at))
        return news

    def _is_news(self, before: Capacity | None, now: Capacity) -> bool:
        if before is None or now.at - before.at > self._settings.capacity_max_age:
            return True
        return (before.ready, before.unready, before.joining, before.failed) != (
            now.ready,
            now.unready,
            now.joining,
            now.failed,
        )

    async def _advance(self, order: Order, seen: Survey, tasks: ClusterTasks) -> Order:
        """Move one order on by what was seen. Raises LedgerError."""
        now = self._book.current(order.id)
        if now.attempt != order.attempt:
            return now  # sent again since it was chosen: this reading is older than that call
        if now.state in _FOLLOWED:
            return await self._tracker.follow(now, seen, tasks)
        if now.state is OrderState.IN_DOUBT:
            return await self._recoverer.settle(now, seen, tasks)
        return now

    async def _guarded(self, order: Order, step: Callable[[Order], Awaitable[Order]]) -> Iterable[RegionId]:
        """Take one step with one order; its trouble stays its own. Gives the regions that it is about."""
        try:
            await step(order)
        except LedgerError as error:
            _log.warning("order %s can not be moved on: %s", order.id, error)
        except Exception:  # noqa: BLE001  # one order's fault stays with that order
            _log.exception("order %s met a fault of this program while it was followed", order.id)
        after = self._book.current(order.id)
        if after.state is OrderState.PLANNED and order.state is not OrderState.PLANNED:
            self._send(after)  # also when its step back was reported as failed and is on disk
        return () if after.version == order.version else {order.region, order.for_region or order.region}
