"""The join of CS and ENS: every node of the fleet's regions is counted once, in its region, in its phase."""

from autoscaler.executor.survey import Memory, Survey, join
from autoscaler.model.capacity import Instance, Node, NodePhase
from autoscaler.model.names import InstanceId, RegionId
from tests.unit.executor.stand import BEIJING, CLUSTER, SHANGHAI, running

P = NodePhase


def node(name: str, phase: NodePhase = P.READY) -> Node:
    return Node(InstanceId(name), name, phase)


def instance(name: str, region: RegionId = BEIJING) -> Instance:
    return Instance(InstanceId(name), region, "Running")


def joined(nodes: list[Node], instances: list[Instance], memory: Memory | None = None) -> Survey:
    return join(CLUSTER, (BEIJING, SHANGHAI), nodes, instances, 5.0, memory or Memory())


def test_every_node_is_in_its_region_and_its_phase() -> None:
    phases = (P.READY, P.UNREADY, P.JOINING, P.FAILED)
    seen = joined(
        [node(f"i-{p}", p) for p in phases] + [node("i-sh")],
        [instance(f"i-{p}") for p in phases] + [instance("i-sh", SHANGHAI)],
    )
    beijing, shanghai = seen.capacities[BEIJING], seen.capacities[SHANGHAI]

    sets = (beijing.ready, beijing.unready, beijing.joining, beijing.failed)
    assert sets == tuple(frozenset({InstanceId(f"i-{phase}")}) for phase in phases)
    assert shanghai.instances == {"i-sh"}
    assert beijing.at == 5.0


def test_an_instance_that_is_no_node_yet_is_no_capacity_but_is_seen() -> None:
    seen = joined([], [instance("i-new")])
    assert seen.capacities[BEIJING].instances == frozenset()
    assert seen.instances[BEIJING] == {"i-new"}


def test_a_node_of_no_region_of_the_fleet_is_left_out() -> None:
    seen = joined([node("i-cloud")], [instance("i-else", RegionId("cn-elsewhere"))])
    assert all(not capacity.instances for capacity in seen.capacities.values())


def test_a_node_that_ens_forgets_for_a_moment_stays_counted_where_it_was() -> None:
    seen = joined([node("i-1"), node("i-2")], [instance("i-2")], Memory(sites={InstanceId("i-1"): BEIJING}))
    assert seen.capacities[BEIJING].ready == {"i-1", "i-2"}


def test_a_node_that_cs_forgets_for_a_moment_stays_counted_while_ens_has_its_instance() -> None:
    seen = joined([], [instance("i-1")], Memory(nodes={InstanceId("i-1"): 0.0}))
    assert seen.capacities[BEIJING].unready == {"i-1"}


def test_an_instance_that_was_bought_and_never_joined_stays_counted_as_failed() -> None:
    seen = joined([], [instance("i-1")], Memory(bought={InstanceId("i-1")}))
    assert seen.capacities[BEIJING].failed == {"i-1"}


async def test_the_executor_remembers_where_its_nodes_are() -> None:
    async with running() as stand:
        listed = stand.cloud.instances

        async def forgetful(regions: object) -> list[Instance]:
            return []

        stand.cloud.instances = forgetful  # type: ignore[method-assign]  # ENS answers with nothing
        await stand.clock.advance(30)
        capacity = stand.executor.capacity(BEIJING)
        stand.cloud.instances = listed  # type: ignore[method-assign]  # as it was

        assert capacity is not None
        assert len(capacity.ready) == 1
