"""The till: turns a valid order into machines, a task and a line of the audit, or refuses it.

Orders and the moment come in, tasks and sales go out. What becomes of them stands in the script of the purchase.
"""

from collections import Counter
from dataclasses import dataclass, replace

from autoscaler.model.names import Money
from autoscaler.settings.amounts import hundredths
from autoscaler.simulator.estate import Estate
from autoscaler.simulator.ids import Ids
from autoscaler.simulator.records import (
    FAILED_STATES,
    BookedInstance,
    BookedTask,
    Buyer,
    Purchase,
    Refusal,
    ScaleOutBody,
)
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.script import NodeFate, PurchaseScript, StockAnswer
from autoscaler.simulator.script_queue import ScriptQueue
from autoscaler.simulator.shelves import Shelves
from autoscaler.simulator.task_book import TaskBook

_MONTH = 30 * 86400.0
SCALE_OUT_TASK = "cluster_scaleout"
WITHOUT_TASK = frozenset({"EnsScaleClusterNodePool", "RunInstances"})
"""Operations of ENS: CS knows no task of theirs."""


@dataclass(frozen=True, slots=True)
class Sale:
    """One call for machines: what it asks for, and who sent it when."""

    body: ScaleOutBody
    request_id: str
    now: float
    action: str
    who: Buyer


class Till:
    """Sells the scenario's machines. `second(now)` counts from the scenario's start."""

    def __init__(self, scenario: Scenario, start: float, ids: Ids, estate: Estate, tasks: TaskBook) -> None:
        self._scenario = scenario
        self._start = start
        self._ids = ids
        self._estate = estate
        self._tasks = tasks
        self.shelves = Shelves(scenario)
        self.scripts = ScriptQueue(scenario.script, scenario.scripts)
        self.purchases: list[Purchase] = []
        self.refusals: Counter[str] = Counter()

    @property
    def spent(self) -> Money:
        """The amount of all sales, in hundredths."""
        return Money(sum(sale.amount for sale in self.purchases))

    def left(self, region: str, instance_type: str, now: float) -> int:
        """Machines of that type that the region can still sell."""
        return self.shelves.left(region, instance_type, now - self._start)

    def sell(self, sale: Sale) -> BookedTask:
        """Sell, or refuse. The task is in no list if the operation knows none; an order for 0 nodes has a task, too.

        Raises:
            Refusal: QuotaExceeded.Node, InsufficientBalance, or StockNotEnough where it is answered at once.
        """
        body = sale.body
        if not body.nodes:
            return self._task(sale, PurchaseScript(), (), None)
        self._check_quota(body, sale.now)
        self._check_balance(body)
        left = self.left(body.region, body.instance_type, sale.now)
        if body.nodes > left:
            return self._sold_out(sale, self._scenario.stock_answer, left)
        script = self.scripts.take(body.region) if sale.who == "api" else self.scripts.standing
        if script.out_of_stock:
            return self._sold_out(sale, script.out_of_stock, 0)
        return self._make(sale, script, min(left, body.nodes if script.made is None else script.made))

    def deliver(
        self,
        body: ScaleOutBody,
        bought_at: float,
        node_at: float,
        joined_by: float,
        fate: NodeFate | None = None,
        script: PurchaseScript | None = None,
    ) -> str:
        """One machine, whether or not it was sold; gives its id."""
        name = f"i-{self._ids.new('instance', 20)}"
        instance = BookedInstance(
            id=name,
            region=body.region,
            cluster=body.cluster,
            pool=body.pool,
            instance_type=body.instance_type,
            image=body.image,
            system_disk=body.system_disk,
            data_disk=body.data_disk,
            bought_at=bought_at,
            expires_at=bought_at + body.period * _MONTH,
            node_at=node_at,
            joined_by=joined_by,
            fate=fate or NodeFate(),
            visible=(script and script.visible) or self._scenario.visible,
            name=body.name,
            tags=body.tags,
        )
        self._estate.add(instance)
        return name

    def _check_quota(self, body: ScaleOutBody, now: float) -> None:
        if body.cluster and self._estate.members(body.cluster, now) + body.nodes > self._scenario.node_quota:
            raise Refusal("QuotaExceeded.Node", "The maximum number of nodes in the cluster is exceeded.", style="cs")

    def _check_balance(self, body: ScaleOutBody) -> None:
        if self._scenario.balance is None:
            return
        price = self.shelves.price(body.instance_type, body.nodes, body.period)
        if self.spent + price > hundredths(self._scenario.balance):
            raise Refusal("InsufficientBalance", "The account's balance does not cover the purchase.", style="cs")

    def _sold_out(self, sale: Sale, answer: StockAnswer, left: int) -> BookedTask:
        why = f"The specification {sale.body.instance_type} is out of stock in {sale.body.region}: {left} left."
        if answer == "refuse" or sale.action == "RunInstances":
            raise Refusal("StockNotEnough", why, style="cs")
        self.refusals["StockNotEnough"] += 1
        return self._task(sale, PurchaseScript(task="fail"), (), ("StockNotEnough", why))

    def _make(self, sale: Sale, script: PurchaseScript, made: int) -> BookedTask:
        node_at = sale.now + (self._task_seconds(script) if sale.body.cluster else 0.0)
        bought = []
        for index in range(made):
            fate = script.fate(index)
            wait = self._scenario.join_seconds if fate.join_seconds is None else fate.join_seconds
            bought.append(self.deliver(sale.body, sale.now, node_at, node_at + wait, fate, script))
        error = (script.error, "The task has failed.") if script.task in FAILED_STATES else None
        task = self._task(sale, script, tuple(bought), error)
        if made:
            self._note(sale, task)
        return task

    def _note(self, sale: Sale, task: BookedTask) -> None:
        body, nodes = sale.body, len(task.instances)
        self.shelves.take(body.region, body.instance_type, nodes)
        self.purchases.append(
            Purchase(
                region=body.region,
                nodes=nodes,
                at=sale.now,
                request_id=task.request_id,
                task_id="" if sale.action in WITHOUT_TASK else task.id,
                instances=task.instances,
                who=sale.who,
                action=sale.action,
                cluster=body.cluster,
                pool=body.pool,
                instance_type=body.instance_type,
                ordered=body.nodes,
                period=body.period,
                amount=self.shelves.price(body.instance_type, nodes, body.period),
            )
        )

    def _task_seconds(self, script: PurchaseScript) -> float:
        return self._scenario.task_seconds if script.task_seconds is None else script.task_seconds

    def _task(
        self, sale: Sale, script: PurchaseScript, instances: tuple[str, ...], error: tuple[str, str] | None
    ) -> BookedTask:
        body = sale.body
        fates = [script.fate(index) for index in range(len(instances))]
        task = BookedTask(
            id=f"T-{self._ids.new('task', 24)}",
            kind=self._scenario.pool_task_type if body.pool else SCALE_OUT_TASK,
            cluster=body.cluster,
            created_at=sale.now,
            ends_at=sale.now + self._task_seconds(script),
            request_id=sale.request_id,
            ending=script.task,
            error=error,
            instances=instances,
            results=tuple(fate.result or ("failed" if fate.join == "failed" else "success") for fate in fates),
            parameters=_told(body) if self._scenario.task_parameters else {},
            meanwhile=script.meanwhile,
            visible=script.visible or self._scenario.visible,
        )
        if script.vanishes_after is not None:
            task = replace(task, vanishes_at=sale.now + script.vanishes_after)
        if sale.action not in WITHOUT_TASK:
            self._tasks.add(task)
        return task


def _told(body: ScaleOutBody) -> dict[str, object]:
    """What DescribeTaskInfo repeats of the order; no document names these keys."""
    rest = {"nodepool_id": body.pool} if body.pool else {"worker_instance_type": body.instance_type}
    return {"count": body.nodes, "ens_region_id": body.region, **rest}
