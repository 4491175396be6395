"""Decoding, the numbers: how large a pool is, what is in stock, what nodes cost.

Bytes of a 2xx answer come in, sizes and amounts go out. Pure. Money and nodes hang on these numbers, so one that is
missing, negative or no number raises Unreadable and is never taken for zero.
Source: CS 2015-12-15 and ENS 2017-11-10 response models of the SDKs.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction

from autoscaler.cloud.body import Unreadable, integer_of, mapping_of, read_fields, rows_of, text_of
from autoscaler.cloud.paging import Page
from autoscaler.model.capacity import Pool
from autoscaler.model.names import Money, NodePoolId

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,20})?")
_MOST = 10**15
"""Units of a currency beyond which an amount is taken for nonsense."""


def cs_pool(body: bytes, pool: NodePoolId) -> Pool:
    """CS DescribeClusterNodePoolDetail. A pool whose size is not managed has no `desired_size`."""
    fields = read_fields(body)
    told = text_of(mapping_of(fields.get("nodepool_info")).get("nodepool_id"))
    if told and told != pool:
        raise Unreadable("the answer is about another node pool")
    status = mapping_of(fields.get("status"))
    desired = mapping_of(fields.get("scaling_group")).get("desired_size")
    return _pool(pool, desired, status.get("total_nodes"), status.get("failed_nodes"))


def ens_pools(body: bytes, pool: NodePoolId) -> Page[Pool]:
    """A page of ENS DescribeClusterNodePools: the row of `pool`, if it is on this page."""
    fields = read_fields(body)
    total = integer_of(mapping_of(fields.get("Page")).get("TotalCount"))
    sent = rows_of(fields, "NodePools", total)
    rows = tuple(_ens_pool(row, pool) for row in sent if _ens_pool_id(row) == pool)
    return Page(rows, len(sent), total)


def _ens_pool_id(row: Mapping[str, object]) -> str:
    name = text_of(mapping_of(row.get("NodepoolInfo")).get("NodepoolId"))
    if not name:
        raise Unreadable("a node pool in the list has no NodepoolId")
    return name


def _ens_pool(row: Mapping[str, object], pool: NodePoolId) -> Pool:
    status = mapping_of(row.get("Status"))
    return _pool(pool, status.get("DesiredNodes"), status.get("TotalNodes"), status.get("FailedNodes"))


def _pool(pool: NodePoolId, desired: object, total: object, failed: object) -> Pool:
    size = _counted(total)
    if size is None:
        raise Unreadable("the node pool does not say how many nodes it has")
    return Pool(pool, _counted(desired), size, _counted(failed) or 0)


def stock(body: bytes) -> int:
    """ENS DescribePrePaidInstanceStock: how many can be bought; the field's name is the API's spelling."""
    left = _counted(read_fields(body).get("AvaliableCount"))
    if left is None:
        raise Unreadable("the answer has no AvaliableCount")
    return left


def price(body: bytes) -> Money:
    """ENS DescribePrice: the trade price in hundredths of the account's currency, rounded up."""
    amount = mapping_of(mapping_of(read_fields(body).get("PriceInfo")).get("Price")).get("TradePrice")
    price = Money(math.ceil(_amount(amount) * 100))
    if price == 0:
        raise Unreadable("the answer has a TradePrice of 0: no budget could hold such orders")
    return price


def _amount(value: object) -> Fraction:
    """An exact amount. A float counts as the decimal number that was sent, not as its binary neighbour."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST:
        return Fraction(str(value))
    if isinstance(value, str) and _AMOUNT.fullmatch(value.strip()):
        return Fraction(value.strip())
    raise Unreadable("the answer has no TradePrice")


def _counted(value: object) -> int | None:
    """A number of things: whole and not negative."""
    number = integer_of(value)
    return number if number is not None and number >= 0 else None
