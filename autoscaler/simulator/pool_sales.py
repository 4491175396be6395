"""The three ways to make a node pool larger, each with its own meaning of the number.

A pool and a number come in, the task of the sale goes out. Both the HTTP operations and the in-process cloud sell so.
Source: API pages of CS ScaleClusterNodePool, CS ModifyClusterNodePool and ENS ScaleClusterNodePool.
"""

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.pool_book import Product
from autoscaler.simulator.records import BookedTask, Refusal, Style
from autoscaler.simulator.region_scenario import PoolScenario

MOST_PER_CALL = 500


def require_pool(books: CloudBooks, product: Product, cluster: str, pool: str) -> PoolScenario:
    """The pool of that id in that cluster. Raises Refusal: ErrorNodePoolNotFound (404)."""
    known = books.pools.find(product, cluster, pool)
    if known is None:
        raise Refusal("ErrorNodePoolNotFound", f"The node pool {pool} can not be found.", status=404, style=product)
    return known


def add_nodes(books: CloudBooks, cluster: str, pool: str, count: int, request_id: str, now: float) -> BookedTask:
    """CS ScaleClusterNodePool: `count` further nodes. Raises Refusal."""
    known = _taking_orders(books, "cs", cluster, pool, now)
    if not 1 <= count <= MOST_PER_CALL:
        raise Refusal("InvalidParameter.Count", f"count must be from 1 to {MOST_PER_CALL}.", style="cs")
    return books.buy(books.pools.body(known, count), request_id, now, "ScaleClusterNodePool")


def set_desired_size(books: CloudBooks, cluster: str, pool: str, size: int, request_id: str, now: float) -> BookedTask:
    """CS ModifyClusterNodePool: `size` nodes altogether; the present size buys nothing. Raises Refusal."""
    known = _taking_orders(books, "cs", cluster, pool, now)
    more = size - books.pools.size(known, now).desired
    if more < 0:
        raise Refusal("InvalidParameter", "A pool of subscription nodes can not be made smaller here.", style="cs")
    if more > MOST_PER_CALL:
        raise Refusal("InvalidParameter", f"One call can add at most {MOST_PER_CALL} nodes.", style="cs")
    return books.buy(books.pools.body(known, more), request_id, now, "ModifyClusterNodePool")


def set_ens_size(books: CloudBooks, cluster: str, pool: str, size: int, request_id: str, now: float) -> BookedTask:
    """ENS ScaleClusterNodePool: `size` nodes altogether, more than now. No API knows the task. Raises Refusal."""
    known = _taking_orders(books, "ens", cluster, pool, now)
    present = books.pools.size(known, now)
    if present.failed:
        raise Refusal("InvalidParameter", "Nodes that have failed must be deleted from the pool first.", style="ens")
    if size <= present.desired:
        raise Refusal("InvalidParameter", f"Count must be greater than {present.desired}.", style="ens")
    more = size - present.desired
    return books.buy(books.pools.body(known, more), request_id, now, "EnsScaleClusterNodePool")


def _taking_orders(books: CloudBooks, product: Product, cluster: str, pool: str, now: float) -> PoolScenario:
    known = require_pool(books, product, cluster, pool)
    style: Style = product
    if known.serial and books.pools.size(known, now).scaling:
        raise Refusal("ErrorClusterState", f"The node pool {pool} is scaling.", style=style)
    return known
