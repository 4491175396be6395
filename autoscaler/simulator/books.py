"""The vendor's books: stock, instances, nodes, tasks, and every sale. All changes are functions of `now`.

Valid purchases come in, rows for the two APIs and the audit go out. Nothing here speaks HTTP, reads a clock or rolls
dice: time passes because the next question carries a later `now`.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

from autoscaler.simulator.records import BookedInstance, BookedTask, NodeRow, Purchase, Refusal, ScaleOutBody
from autoscaler.simulator.scenario import RegionScenario, Scenario

_MONTH = 30 * 86400.0
_BEFORE_START = 86400.0
_ADDON_TASK = "addon_install"
SCALE_OUT_TASK = "cluster_scaleout"


class CloudBooks:
    """One cluster's machines and what was paid for them. `start` and every `now` are Unix seconds."""

    def __init__(self, scenario: Scenario, start: float) -> None:
        self.scenario = scenario
        self.start = start
        self.purchases: list[Purchase] = []
        self.refusals: Counter[str] = Counter()
        self._ids = 0
        self._regions = {region.region: region for region in scenario.regions}
        self._sold: Counter[str] = Counter()
        self._instances: dict[str, BookedInstance] = {}
        self._by_region: dict[str, list[BookedInstance]] = {region: [] for region in self._regions}
        self._tasks: dict[str, BookedTask] = {}
        self._open_account()

    def second(self, now: float) -> float:
        """Seconds of the scenario that have passed at `now`."""
        return now - self.start

    def region(self, name: str) -> RegionScenario | None:
        """The region of that id, if there is one."""
        return self._regions.get(name)

    # The money side.

    def sold(self, region: str) -> int:
        """Machines sold in a region since the start; the initial nodes are not among them."""
        return self._sold[region]

    @property
    def sold_total(self) -> int:
        """Machines sold in all regions."""
        return self._sold.total()

    def stock(self, region: str, instance_type: str, now: float) -> int:
        """Machines of that type that the region can still sell; 0 for what is not on sale at all."""
        known = self._regions.get(region)
        if known is None or instance_type != self.scenario.instance_type:
            return 0
        return known.supplied(self.second(now)) - self._sold[region]

    def buy(self, body: ScaleOutBody, request_id: str, now: float) -> BookedTask:
        """Sell machines, or refuse. A sale can not be undone.

        Raises:
            Refusal: QuotaExceeded.Node, or StockNotEnough where the scenario has it answered at once.
        """
        if len(self._instances) + body.nodes > self.scenario.node_quota:
            raise Refusal("QuotaExceeded.Node", "The maximum number of nodes in the cluster is exceeded.", style="cs")
        left = self.stock(body.region, body.instance_type, now)
        if body.nodes <= left:
            return self._sell(body, request_id, now)
        why = f"The specification {body.instance_type} is out of stock in {body.region}: {left} left."
        if self.scenario.stock_answer == "refuse":
            raise Refusal("StockNotEnough", why, style="cs")
        self.refusals["StockNotEnough"] += 1
        return self._task(body, request_id, now, error=("StockNotEnough", why))

    def new_request_id(self) -> str:
        """A fresh request id, in the API's form."""
        digits = self._new_hex("request", 32).upper()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    # What the APIs show.

    def instances(self) -> Sequence[BookedInstance]:
        """The ENS view: everything that was bought, whether or not it is a node yet; oldest first."""
        return tuple(self._instances.values())

    def region_instances(self, region: str) -> Sequence[BookedInstance]:
        """The instances of one region, oldest first."""
        return self._by_region.get(region, ())

    def instance(self, instance: str) -> BookedInstance | None:
        """The instance of that id, if there is one."""
        return self._instances.get(instance)

    def nodes(self, now: float) -> Sequence[NodeRow]:
        """The CS view: instances whose task has brought them into the cluster."""
        return [self._node(instance, now) for instance in self._instances.values() if instance.node_at <= now]

    def ready(self, region: str, now: float) -> Sequence[BookedInstance]:
        """Nodes of a region that have joined. In the dark they keep running, so they stay here."""
        return [instance for instance in self.region_instances(region) if instance.ready_at <= now]

    def is_dark(self, region: str, now: float) -> bool:
        """Whether the region can not be reached from outside."""
        known = self._regions.get(region)
        return known is not None and known.is_dark(self.second(now))

    def task(self, task: str) -> BookedTask | None:
        """The task of that id, if there is one."""
        return self._tasks.get(task)

    def tasks(self) -> Sequence[BookedTask]:
        """All tasks of the cluster, newest first."""
        return tuple(reversed(self._tasks.values()))

    # How things come to be.

    def _open_account(self) -> None:
        born = self.start - _BEFORE_START
        addon = f"install-addons-{self._new_hex('addon', 24)}"
        self._tasks[addon] = BookedTask(addon, _ADDON_TASK, born, born + 12.482, self.new_request_id())
        for region in self.scenario.regions:
            for _ in range(region.initial_nodes):
                body = ScaleOutBody(
                    self.scenario.cluster_id, region.region, self.scenario.instance_type, 1, "initial", 40, 0, 12
                )
                self._deliver(body, born, node_at=born, ready_at=self.start)

    def _sell(self, body: ScaleOutBody, request_id: str, now: float) -> BookedTask:
        node_at = now + self.scenario.task_seconds
        ready_at = node_at + self.scenario.join_seconds
        made = tuple(self._deliver(body, now, node_at, ready_at) for _ in range(body.nodes))
        task = self._task(body, request_id, now, instances=made)
        self._sold[body.region] += body.nodes
        self.purchases.append(Purchase(body.region, body.nodes, now, request_id, task.id, made))
        return task

    def _deliver(self, body: ScaleOutBody, bought_at: float, node_at: float, ready_at: float) -> str:
        name = f"i-{self._new_hex('instance', 20)}"
        instance = BookedInstance(
            id=name,
            region=body.region,
            instance_type=body.instance_type,
            image=body.image,
            system_disk=body.system_disk,
            data_disk=body.data_disk,
            bought_at=bought_at,
            expires_at=bought_at + body.period * _MONTH,
            node_at=node_at,
            ready_at=ready_at,
        )
        self._instances[name] = instance
        self._by_region[body.region].append(instance)
        return name

    def _task(
        self,
        body: ScaleOutBody,
        request_id: str,
        now: float,
        error: tuple[str, str] | None = None,
        instances: tuple[str, ...] = (),
    ) -> BookedTask:
        told = {"count": body.nodes, "ens_region_id": body.region, "worker_instance_type": body.instance_type}
        task = BookedTask(
            id=f"T-{self._new_hex('task', 24)}",
            kind=SCALE_OUT_TASK,
            created_at=now,
            ends_at=now + self.scenario.task_seconds,
            request_id=request_id,
            error=error,
            instances=instances,
            parameters=told if self.scenario.task_parameters else {},
        )
        self._tasks[task.id] = task
        return task

    def _node(self, instance: BookedInstance, now: float) -> NodeRow:
        if now < instance.ready_at:
            return NodeRow(instance, "initial", "NotReady")
        return NodeRow(instance, "running", "Unknown" if self.is_dark(instance.region, now) else "Ready")

    def _new_hex(self, kind: str, digits: int) -> str:
        """The next id: the seed and a counter say which, so a run can be repeated."""
        self._ids += 1
        return hashlib.sha256(f"{self.scenario.seed}/{kind}/{self._ids}".encode()).hexdigest()[:digits]
