"""Requests look as the API page says."""

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr

from autoscaler.cloud import wire
from autoscaler.cloud.paging import Cursor
from autoscaler.model.names import ClusterId, NodePoolId, RegionId, TaskId
from autoscaler.model.operation import PoolOperation
from tests.unit.cloud.servers import CS_MODIFY, CS_SCALE, ENS_SCALE, OPERATION

SAMPLE = """{
  "timeout_mins": 60,
  "worker_instance_type": "ens.sn1.tiny",
  "ens_region_id": "cn-beijing-telecom",
  "worker_image_id": "m-2QVLO2T8NYgm8CNQVg****",
  "ens_internet_charge_type": "BandwidthByDay",
  "worker_period": 1,
  "worker_auto_renew": true,
  "worker_auto_renew_period": 1,
  "login_password": "Hello1234!",
  "count": 1,
  "worker_system_disk_size": 20,
  "worker_data_disk_size": 0,
  "is_edge_worker": true
}"""
PASSWORD = SecretStr("Hello1234!")


def test_the_purchase_equals_the_sample_of_the_api_page() -> None:
    request = wire.scale_out(OPERATION, 1, PASSWORD)
    body = json.loads(request.body)
    assert body == json.loads(SAMPLE)
    assert len(body) == 13
    assert {name: type(value) for name, value in body.items()} == {
        name: type(value) for name, value in json.loads(SAMPLE).items()
    }
    assert (request.product, request.action, request.version) == ("cs", "ScaleOutCluster", "2015-12-15")
    assert (request.method, request.query) == ("POST", ())
    assert request.path == "/api/v2/clusters/Cccfd68c474454665ace07efce924%2A%2A%2A%2A"
    assert b": " not in request.body
    assert b", " not in request.body


def test_fields_that_are_not_set_are_left_out() -> None:
    bare = replace(OPERATION, worker_auto_renew=False, worker_auto_renew_period=None, timeout_mins=None)
    body = json.loads(wire.scale_out(bare, 3, PASSWORD).body)
    assert body["count"] == 3
    assert body["worker_auto_renew"] is False
    assert "worker_auto_renew_period" not in body
    assert "timeout_mins" not in body


@pytest.mark.parametrize("nodes", [0, -1])
def test_an_increment_below_one_is_never_encoded(nodes: int) -> None:
    with pytest.raises(ValueError, match="increment"):
        wire.scale_out(OPERATION, nodes, PASSWORD)


@pytest.mark.parametrize(
    ("operation", "nodes"),
    [(CS_SCALE, 0), (CS_SCALE, -1), (CS_SCALE, 501), (CS_MODIFY, 0), (CS_MODIFY, -1), (ENS_SCALE, 0), (ENS_SCALE, -1)],
)
def test_a_pool_count_that_no_call_may_carry_is_never_encoded(operation: PoolOperation, nodes: int) -> None:
    with pytest.raises(ValueError, match=str(nodes)):
        wire.scale_pool(operation, nodes)


def test_the_largest_counts_are_encoded() -> None:
    assert wire.scale_pool(CS_SCALE, 500).body == b'{"count":500}'
    assert wire.scale_pool(CS_MODIFY, 5000).body == b'{"scaling_group":{"desired_size":5000}}'
    assert dict(wire.scale_pool(ENS_SCALE, 5000).query)["Body"] == '{"Count":5000}'


def test_the_two_operations_of_one_name_go_to_different_products() -> None:
    cs, ens = wire.scale_pool(CS_SCALE, 3), wire.scale_pool(ENS_SCALE, 3)
    assert cs.action == ens.action == "ScaleClusterNodePool"
    assert ((cs.product, cs.version), (ens.product, ens.version)) == (("cs", "2015-12-15"), ("ens", "2017-11-10"))


def test_a_request_shows_no_password() -> None:
    assert "Hello1234!" not in repr(wire.scale_out(OPERATION, 1, PASSWORD))


def test_an_id_can_not_leave_its_place_in_the_path() -> None:
    assert wire.describe_task(TaskId("../x?y")).path == "/tasks/..%2Fx%3Fy"


def test_nodes_are_asked_for_in_every_state() -> None:
    request = wire.describe_nodes(ClusterId("c1"), Cursor(2))
    assert request.path == "/clusters/c1/nodes"
    assert dict(request.query) == {"pageNumber": "2", "pageSize": "100", "state": "all"}


def test_a_pool_is_asked_for_at_its_own_path_or_in_the_list() -> None:
    assert wire.describe_cs_pool(replace(CS_MODIFY, pool=NodePoolId("../np"))).path.endswith("/nodepools/..%2Fnp")
    request = wire.describe_ens_pools(ClusterId("c1"), Cursor(3))
    assert dict(request.query) == {"ClusterId": "c1", "PageNumber": "3", "PageSize": "100"}


def test_tasks_are_paged_by_number_until_there_is_a_token() -> None:
    assert dict(wire.describe_tasks(ClusterId("c1"), Cursor(2)).query) == {"page_number": "2", "page_size": "100"}
    by_token = wire.describe_tasks(ClusterId("c1"), Cursor(2, "next"))
    assert dict(by_token.query) == {"max_results": "100", "next_token": "next"}


def test_instances_are_asked_for_in_the_query_of_a_post() -> None:
    request = wire.describe_instances([RegionId("cn-a"), RegionId("cn-b")], Cursor())
    assert (request.method, request.path, request.body, request.version) == ("POST", "/", b"", "2017-11-10")
    assert dict(request.query) == {"EnsRegionIds": '["cn-a","cn-b"]', "PageNumber": "1", "PageSize": "100"}
