"""Node pools for the stand: one of ACK and one of ENS, both in Beijing, and the operations that make them larger."""

from autoscaler.model.names import NodePoolId
from autoscaler.model.operation import PoolOperation
from autoscaler.simulator.region_scenario import PoolScenario
from autoscaler.simulator.scenario import Scenario
from tests.unit.executor.stand import BEIJING, CLUSTER, scenario

CS, ENS = NodePoolId("np-cs"), NodePoolId("np-ens")


def with_pools(**changes: object) -> Scenario:
    """The stand's scenario with both pools, each with one node."""
    pools = tuple(
        PoolScenario(id=str(pool), region=BEIJING, product="ens" if pool == ENS else "cs", initial_nodes=1)
        for pool in (CS, ENS)
    )
    return scenario(pools=pools, **changes)


def by_pool(kind: type[PoolOperation], pool: NodePoolId) -> PoolOperation:
    """A purchase by that operation of that pool."""
    return kind(CLUSTER, pool, "tiny", BEIJING, "ens.sn1.tiny", "BandwidthByDay", 1, 40)
