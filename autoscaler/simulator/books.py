"""The vendor's books: they join till, machines, tasks and pools, and answer for them. All are functions of `now`.

Valid purchases come in, rows for the two APIs and the audit go out. Nothing here speaks HTTP, reads a clock or rolls
dice: time passes because the next question carries a later `now`.
"""

from collections import Counter
from collections.abc import Sequence

from autoscaler.model.names import Money
from autoscaler.simulator.estate import Estate
from autoscaler.simulator.ids import Ids
from autoscaler.simulator.pool_book import PoolBook
from autoscaler.simulator.records import (
    BookedInstance,
    BookedTask,
    Buyer,
    NodeRow,
    Purchase,
    Refusal,
    ScaleOutBody,
)
from autoscaler.simulator.region_scenario import InstanceType, RegionScenario
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.script_queue import ScriptQueue
from autoscaler.simulator.task_book import TaskBook
from autoscaler.simulator.till import Sale, Till

_BEFORE_START = 86400.0
_ADDON_TASK = "addon_install"


class CloudBooks:
    """One account's clusters, machines and what was paid for them. `start` and every `now` are Unix seconds.

    `refusals` counts what callers were told, `unheard` refusals whose answer a fault swallowed, and `faults` the kinds
    of faults that calls met. Reads may lag: the methods named `listed_...` are what a read shows, the others the truth.
    """

    def __init__(self, scenario: Scenario, start: float) -> None:
        self.scenario = scenario
        self.start = start
        self.unheard: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.estate = Estate((region.region for region in scenario.regions), self.is_dark)
        self.pools = PoolBook(scenario, self.estate)
        self.task_book = TaskBook()
        self.cs_clusters = _clusters(scenario)
        self._ids = Ids(scenario.seed)
        self._till = Till(scenario, start, self._ids, self.estate, self.task_book)
        self._open_account()

    def second(self, now: float) -> float:
        """Seconds of the scenario that have passed at `now`."""
        return now - self.start

    def region(self, name: str) -> RegionScenario | None:
        """The region of that id, if there is one."""
        return self._till.shelves.region(name)

    def type(self, name: str) -> InstanceType | None:
        """The instance type of that name, if it is sold anywhere."""
        return self._till.shelves.type(name)

    # The money side.

    @property
    def purchases(self) -> list[Purchase]:
        """Every sale, oldest first."""
        return self._till.purchases

    @property
    def refusals(self) -> Counter[str]:
        """What callers were told, by code; a StockNotEnough that only a task tells is among them."""
        return self._till.refusals

    @property
    def scripts(self) -> ScriptQueue:
        """What becomes of the next purchases."""
        return self._till.scripts

    def sold(self, region: str, who: Buyer | None = None) -> int:
        """Machines sold in a region since the start, to one kind of buyer or to all; initial nodes are not sold."""
        return sum(sale.nodes for sale in self.purchases if sale.region == region and who in (None, sale.who))

    @property
    def sold_total(self) -> int:
        """Machines sold in all regions, to all buyers."""
        return sum(sale.nodes for sale in self.purchases)

    @property
    def spent(self) -> Money:
        """The amount of all sales, in hundredths."""
        return self._till.spent

    def stock(self, region: str, instance_type: str, now: float) -> int:
        """Machines of that type that the region can still sell; 0 for what is not on sale at all."""
        return self._till.left(region, instance_type, now)

    def list_price(self, instance_type: str, nodes: int, months: int) -> Money:
        """What the machines cost before any discount, in hundredths. Raises KeyError: unknown type."""
        return self._till.shelves.list_price(instance_type, nodes, months)

    def price(self, instance_type: str, nodes: int, months: int) -> Money:
        """What the account pays for the machines, in hundredths. Raises KeyError: unknown type."""
        return self._till.shelves.price(instance_type, nodes, months)

    def buy(
        self, body: ScaleOutBody, request_id: str, now: float, action: str = "ScaleOutCluster", who: Buyer = "api"
    ) -> BookedTask:
        """Sell machines, or refuse. A sale can not be undone. The task is in no list if the operation knows none.

        Raises:
            Refusal: QuotaExceeded.Node, InsufficientBalance, or StockNotEnough where it is answered at once.
        """
        task = self._till.sell(Sale(body, request_id, now, action, who))
        if body.pool:
            self.pools.note_order(body.pool, body.nodes, task)
        return task

    def buy_by_hand(
        self,
        region: str,
        nodes: int,
        now: float,
        instance_type: str | None = None,
        *,
        pool: str = "",
        joins: bool = True,
    ) -> BookedTask:
        """A person buys at the console: into the region's cluster, into a pool what the pool buys, or, without `joins`,
        machines that are no nodes and of which no task tells. The audit marks it `hand`.

        Raises:
            Refusal: as a call would be refused, and InvalidParameter for a region, type or pool that is not there.
        """
        known, wanted = self.region(region), instance_type or self.scenario.instance_type
        if known is None or self.type(wanted) is None:
            raise Refusal("InvalidParameter", f"There is no region {region} that sells {wanted}.")
        into = self.pools.any(pool) if pool else None
        if pool and (into is None or into.region != region):
            raise Refusal("InvalidParameter.NodepoolId", f"There is no node pool {pool} in {region}.")
        cluster = (known.cluster or self.scenario.cluster_id) if joins else ""
        body = ScaleOutBody(cluster, region, wanted, nodes, "console", 40, 0, 1)
        action = "ScaleOutCluster" if joins else "RunInstances"
        return self.buy(self.pools.body(into, nodes) if into else body, self.new_request_id(), now, action, "hand")

    def remove_by_hand(self, instance: str, now: float) -> BookedInstance:
        """A person takes a node out of its cluster. The machine is prepaid: it stays an instance and is billed.

        Raises:
            Refusal: InstanceNotFound.
        """
        try:
            gone = self.estate.remove(instance, now)
        except KeyError:
            raise Refusal("InstanceNotFound", f"{instance} is in no cluster.") from None
        self.task_book.note_removal(gone)
        return gone

    def new_request_id(self) -> str:
        """A fresh request id, in the API's form."""
        return self._ids.request()

    # The truth.

    def instances(self) -> Sequence[BookedInstance]:
        """Everything that was bought, whether or not it is a node yet; oldest first."""
        return self.estate.all()

    def region_instances(self, region: str) -> Sequence[BookedInstance]:
        """The instances of one region, oldest first."""
        return self.estate.of_region(region)

    def instance(self, instance: str) -> BookedInstance | None:
        """The instance of that id, if there is one."""
        return self.estate.get(instance)

    def nodes(self, now: float) -> Sequence[NodeRow]:
        """Every node of every cluster as it is."""
        return self.estate.nodes(now)

    def ready(self, region: str, now: float) -> Sequence[BookedInstance]:
        """Nodes of a region that have joined. In the dark they keep running, so they stay here."""
        return [instance for instance in self.region_instances(region) if instance.has_joined(now)]

    def is_dark(self, region: str, now: float) -> bool:
        """Whether the region can not be reached from outside."""
        known = self.region(region)
        return known is not None and known.is_dark(self.second(now))

    def task(self, task: str) -> BookedTask | None:
        """The task of that id, if there ever was one that CS knows."""
        return self.task_book.get(task)

    def tasks(self) -> Sequence[BookedTask]:
        """All tasks that CS knows, newest first."""
        return self.task_book.all()

    # What the reads show.

    def listed_nodes(self, cluster: str, now: float) -> Sequence[NodeRow]:
        """A cluster's nodes as the lists of nodes show them."""
        rows = (row for row in self.estate.nodes(now) if row.instance.cluster == cluster)
        return [row for row in rows if row.instance.visible.nodes.shows(now - row.instance.node_at)]

    def listed_instances(self, now: float, region: str | None = None) -> Sequence[BookedInstance]:
        """The machines of a region, or all, as ENS DescribeInstances shows them."""
        machines = self.instances() if region is None else self.region_instances(region)
        return [one for one in machines if one.visible.instances.shows(now - one.bought_at)]

    # How it begins.

    def _open_account(self) -> None:
        scenario, born = self.scenario, self.start - _BEFORE_START
        for cluster in self.cs_clusters:
            addon = f"install-addons-{self._ids.new('addon', 24)}"
            self.task_book.add(BookedTask(addon, _ADDON_TASK, cluster, born, born + 12.482, self.new_request_id()))
        for region in scenario.regions:
            cluster = region.cluster or scenario.cluster_id
            body = ScaleOutBody(cluster, region.region, scenario.instance_type, 1, "initial", 40, 0, 12)
            for _ in range(region.initial_nodes):
                self._till.deliver(body, born, node_at=born, joined_by=self.start)
        for pool in scenario.pools:
            body = self.pools.body(pool, 1)
            for _ in range(pool.initial_nodes):
                self._till.deliver(body, born, node_at=born, joined_by=self.start)


def _clusters(scenario: Scenario) -> tuple[str, ...]:
    """The clusters that CS knows: all but those of ENS's own pools."""
    named = [scenario.cluster_id, *(region.cluster for region in scenario.regions if region.cluster)]
    named += [pool.cluster for pool in scenario.pools if pool.product == "cs" and pool.cluster]
    return tuple(dict.fromkeys(named))
