"""The machines: everything that was sold, where it stands and what has become of it at any moment.

Machines come in, rows for the lists of nodes and instances go out; time is an argument. Nothing is sold here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from autoscaler.simulator.records import BookedInstance, NodeRow


class Estate:
    """Machines by id and by region, oldest first. `is_dark(region, now)` says whether a site has lost its uplink."""

    def __init__(self, regions: Iterable[str], is_dark: Callable[[str, float], bool]) -> None:
        self._instances: dict[str, BookedInstance] = {}
        self._by_region: dict[str, list[BookedInstance]] = {region: [] for region in regions}
        self._is_dark = is_dark

    def add(self, instance: BookedInstance) -> None:
        """A machine is there from now on."""
        self._instances[instance.id] = instance
        self._by_region[instance.region].append(instance)

    def remove(self, instance: str, now: float) -> BookedInstance:
        """Take a machine out of its cluster; it stays a machine and is billed. Raises KeyError: there is no such node.

        A machine that is not a node yet never becomes one.
        """
        booked = self._instances[instance]
        if booked.removed_at <= now or not booked.cluster:
            raise KeyError(instance)
        gone = self._instances[instance] = replace(booked, removed_at=now)
        listed = self._by_region[booked.region]
        listed[listed.index(booked)] = gone
        return gone

    def get(self, instance: str) -> BookedInstance | None:
        """The machine of that id, if there is one."""
        return self._instances.get(instance)

    def all(self) -> Sequence[BookedInstance]:
        """Every machine, oldest first."""
        return tuple(self._instances.values())

    def of_region(self, region: str) -> Sequence[BookedInstance]:
        """The machines of one region, oldest first."""
        return self._by_region.get(region, ())

    def members(self, cluster: str, now: float) -> int:
        """Machines that count against the cluster's quota: its nodes, and those that are still on their way."""
        return sum(one.cluster == cluster and now < one.removed_at for one in self._instances.values())

    def nodes(self, now: float) -> Sequence[NodeRow]:
        """The truth about every node of every cluster, oldest first."""
        return [self._row(one, now) for one in self._instances.values() if one.is_node(now)]

    def _row(self, instance: BookedInstance, now: float) -> NodeRow:
        fate = instance.fate
        if now < instance.joined_by or fate.join == "initial":
            return NodeRow(instance, "initial", "NotReady")
        if fate.join == "failed":
            return NodeRow(instance, "failed", "NotReady")
        if self._is_dark(instance.region, now):
            return NodeRow(instance, "running", "Unknown")
        return NodeRow(instance, "running", fate.status_at(now - instance.joined_by))
