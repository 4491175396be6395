"""Names of things, as types, so that a cluster can not be passed where a region is meant."""

from typing import NewType

RegionId = NewType("RegionId", str)
"""An `ens_region_id`, e.g. `cn-beijing-cmcc-2`. Not the region of an API endpoint."""

ClusterId = NewType("ClusterId", str)
"""The id of an ACK edge cluster, `c` and 32 hex digits."""

TaskId = NewType("TaskId", str)
"""The id of an ACK task, e.g. `T-5a54309c80282e39ea00002f`."""

InstanceId = NewType("InstanceId", str)
"""The id of an ENS instance; the same id names the node in CS DescribeClusterNodes."""

OrderId = NewType("OrderId", str)
"""Our own id of an order. The API never sees it: the purchase call has no field for it."""

NodePoolId = NewType("NodePoolId", str)
"""The id of a node pool, CS (`np...`) or ENS."""

Money = NewType("Money", int)
"""An amount in hundredths of the account's currency: whole numbers, so that sums are exact."""

FREE = Money(0)
