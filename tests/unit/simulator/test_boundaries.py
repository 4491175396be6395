"""Where a near miss would go unseen: the last character, the second fault, the faster clock."""

import json

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import Refusal
from autoscaler.simulator.validate import read_scale_out
from tests.unit.simulator.builders import FAR, NEAR, START, Caller, body, scenario

BOOKS = CloudBooks(scenario(), START)


async def test_a_slash_in_a_query_is_signed_in_its_escaped_form() -> None:
    async with Caller(scenario()) as caller:
        assert (await caller.nodes(instanceIds="i-a/i-b")).status == 200


async def test_the_callers_date_is_compared_with_the_callers_clock_however_fast_time_is_simulated() -> None:
    async with Caller(scenario(), speed=30) as caller:
        await caller.clock.advance(120)
        assert caller.simulator.now() - caller.clock.now() > 15 * 60
        assert (await caller.buy()).status == 200


async def test_different_faults_are_met_in_the_order_in_which_they_were_set() -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.faults.next_purchase("throttle", status=429)
        caller.simulator.faults.next_purchase("error_500_html")
        assert [(await caller.buy()).status for _ in range(3)] == [429, 500, 200]


async def test_a_region_and_a_list_of_regions_must_both_hold() -> None:
    async with Caller(scenario()) as caller:
        both = await caller.ens("DescribeInstances", EnsRegionId=NEAR, EnsRegionIds=json.dumps([NEAR, FAR]))
        neither = await caller.ens("DescribeInstances", EnsRegionId=NEAR, EnsRegionIds=json.dumps([FAR]))
    assert {row["EnsRegionId"] for row in both.json["Instances"]["Instance"]} == {NEAR}
    assert neither.json["TotalCount"] == 0


@pytest.mark.parametrize("length", [8, 30])
def test_a_password_of_eight_to_thirty_characters_is_accepted(length: int) -> None:
    assert read_scale_out(BOOKS, BOOKS.scenario.cluster_id, with_password(length)).nodes == 2


@pytest.mark.parametrize("length", [7, 31])
def test_a_password_one_character_beyond_is_refused(length: int) -> None:
    with pytest.raises(Refusal) as refused:
        read_scale_out(BOOKS, BOOKS.scenario.cluster_id, with_password(length))
    assert refused.value.code == "InvalidParameter.LoginPassword"


def with_password(length: int) -> bytes:
    return json.dumps(body(login_password=("aA1!" * 8)[:length])).encode()


async def test_the_audit_tells_how_many_nodes_are_ready() -> None:
    async with Caller(scenario(task_seconds=4, join_seconds=4)) as caller:
        await caller.buy(count=3)
        assert (await caller.get("/_simulator/books")).json["ready"] == {NEAR: 2, FAR: 2}
        await caller.clock.advance(8)
        assert (await caller.get("/_simulator/books")).json["ready"] == {NEAR: 5, FAR: 2}
