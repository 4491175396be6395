"""The numbers that money hangs on: what is missing or no number is never taken for zero."""

import json

import pytest

from autoscaler.cloud import sizes
from autoscaler.cloud.body import Unreadable
from autoscaler.model.capacity import Pool
from autoscaler.model.names import NodePoolId

NP = NodePoolId("np-1")
NOT_A_NUMBER: list[object] = [None, "", "many", 1.5, True, -1, "-1", [3], {"n": 3}]


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def cs_answer(desired: object = 5, total: object = 4, failed: object = 1, name: str = "np-1") -> bytes:
    return encoded(
        {
            "nodepool_info": {"nodepool_id": name, "type": "edge"},
            "scaling_group": {"desired_size": desired, "login_password": "***"},
            "status": {"state": "scaling", "total_nodes": total, "failed_nodes": failed, "serving_nodes": 3},
            "x": 1,
        }
    )


def ens_row(name: object = "np-1", **status: object) -> dict[str, object]:
    counts = {"DesiredNodes": 5, "TotalNodes": 4, "FailedNodes": 1, "State": "scaling", **status}
    return {"NodepoolInfo": {"NodepoolId": name, "EnsRegionId": "cn-a"}, "Status": counts, "ClusterId": "c1"}


def test_a_cs_pool_is_read_from_its_two_places() -> None:
    assert sizes.cs_pool(cs_answer(), NP) == Pool(NP, desired=5, total=4, failed=1)
    assert sizes.cs_pool(cs_answer("5", "4", "1"), NP) == Pool(NP, desired=5, total=4, failed=1)


@pytest.mark.parametrize("desired", NOT_A_NUMBER)
def test_a_pool_without_a_desired_size_is_as_large_as_it_is(desired: object) -> None:
    pool = sizes.cs_pool(cs_answer(desired), NP)
    assert (pool.desired, pool.size) == (None, 4)


@pytest.mark.parametrize("total", NOT_A_NUMBER)
def test_a_pool_that_does_not_say_its_size_is_not_an_empty_one(total: object) -> None:
    with pytest.raises(Unreadable):
        sizes.cs_pool(cs_answer(total=total), NP)
    with pytest.raises(Unreadable):
        sizes.ens_pools(encoded({"NodePools": [ens_row(TotalNodes=total)], "Page": {"TotalCount": 1}}), NP)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"<html></html>", encoded({"status": None, "scaling_group": []})])
def test_an_answer_that_is_no_pool_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        sizes.cs_pool(body, NP)


def test_another_pool_is_never_taken_for_the_one_asked_for() -> None:
    with pytest.raises(Unreadable):
        sizes.cs_pool(cs_answer(name="np-2"), NP)
    page = sizes.ens_pools(encoded({"NodePools": [ens_row("np-2"), ens_row()], "Page": {"TotalCount": 2}}), NP)
    assert page.rows == (Pool(NP, desired=5, total=4, failed=1),)
    assert (page.count, page.total) == (2, 2)


def test_another_pool_that_can_not_be_read_is_no_reason_to_fail() -> None:
    page = sizes.ens_pools(encoded({"NodePools": [ens_row("np-2", TotalNodes=None), ens_row()]}), NP)
    assert len(page.rows) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"NodePools": None}, {"NodePools": [{"Status": {}}]}, {"NodePools": [ens_row(name=7)]}]
)
def test_a_list_that_can_not_be_read_does_not_mean_that_the_pool_is_gone(answer: object) -> None:
    with pytest.raises(Unreadable):
        sizes.ens_pools(encoded(answer), NP)


@pytest.mark.parametrize(("left", "expected"), [(0, 0), (7, 7), ("7", 7)])
def test_the_stock_is_read_in_the_apis_own_spelling(left: object, expected: int) -> None:
    assert sizes.stock(encoded({"AvaliableCount": left, "ResourceGap": "cpu", "AvailableCount": 99})) == expected


@pytest.mark.parametrize("answer", [{}, {"AvailableCount": 3}, *({"AvaliableCount": n} for n in NOT_A_NUMBER)])
def test_an_unsaid_stock_is_not_an_empty_one(answer: object) -> None:
    with pytest.raises(Unreadable):
        sizes.stock(encoded(answer))


@pytest.mark.parametrize(
    ("amount", "hundredths"),
    [
        (100, 10000),
        (129.99, 12999),  # a binary fraction a hair above would be rounded up to 13000
        (0.07, 7),
        (19.9, 1990),
        (1.001, 101),
        ("1234.5600", 123456),
        ("0.001", 1),
        (" 5 ", 500),
        (999999999999999, 99999999999999900),
    ],
)
def test_a_price_is_exact_in_hundredths_and_rounded_up(amount: object, hundredths: int) -> None:
    answer = {"PriceInfo": {"Price": {"TradePrice": amount, "OriginalPrice": 1, "Currency": "CNY"}}, "RequestId": "r"}
    assert sizes.price(encoded(answer)) == hundredths


@pytest.mark.parametrize("amount", [0, "0.00", 0.0])
def test_a_price_of_nothing_is_no_price(amount: object) -> None:
    """No budget could hold orders that cost nothing."""
    with pytest.raises(Unreadable):
        sizes.price(encoded({"PriceInfo": {"Price": {"TradePrice": amount}}}))


@pytest.mark.parametrize("amount", [None, "", "free", "1,5", "NaN", "1e3", True, -1, "-1", 1e300, [1]])
def test_a_price_that_is_no_amount_is_unreadable(amount: object) -> None:
    with pytest.raises(Unreadable):
        sizes.price(encoded({"PriceInfo": {"Price": {"TradePrice": amount, "OriginalPrice": 1}}}))


@pytest.mark.parametrize(
    "body", [b"{}", b'{"PriceInfo": {}}', b'{"PriceInfo": {"Price": {"TradePrice": NaN}}}', b'{"PriceInfo": []}']
)
def test_an_answer_without_a_price_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        sizes.price(body)
