"""Answers become nouns, and what can not be read is never guessed."""

import json

import pytest

from autoscaler.cloud import answers
from autoscaler.cloud.body import Unreadable, time_of
from autoscaler.model.capacity import NodePhase, TaskState
from autoscaler.model.names import TaskId

XML = """<cluster_id>Cccfd68c474454665ace07efce924****</cluster_id>
<task_id>T-5a54309c80282e39ea00002f</task_id>
<request_id>687C5BAA-D103-4993-884B-C35E4314A1E1</request_id>
"""
JSON = """{
    "cluster_id": "c82e6987e2961451182edacd74faf****",
    "task_id": "T-5a54309c80282e39ea00002f",
    "request_id": "687C5BAA-D103-4993-884B-C35E4314A1E1",
    "new_field": [1]
}"""


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        "\ufeff" + JSON,
        XML,
        f"<ScaleOutClusterResponse>{XML}</ScaleOutClusterResponse>",
        f'<?xml version="1.0" encoding="UTF-8"?>\n<r xmlns="urn:x">{XML}</r>',
        f'<?xml version="1.0"?>{XML}',
    ],
)
def test_a_receipt_is_read_from_json_and_from_xml(text: str) -> None:
    receipt = answers.receipt(text.encode())
    assert receipt.task == "T-5a54309c80282e39ea00002f"
    assert receipt.request_id == "687C5BAA-D103-4993-884B-C35E4314A1E1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"task_id": ""}',
        '{"task_id": null}',
        '{"task_id": 7}',
        "{" + JSON,
        "[" * 100_000,
        "<html><task_id>T-1</task_id></html>",
        "<a><b>",
        "<task_id>T-1</task_id><task_id>T-2</task_id>",
        f'<!DOCTYPE r [<!ENTITY x "y">]><r>{XML}</r>',
        f"<!doctype r><r>{XML}</r>",
    ],
)
def test_an_answer_without_a_readable_task_is_no_receipt(text: str) -> None:
    with pytest.raises(Unreadable):
        answers.receipt(text.encode())


def test_an_answer_that_is_no_utf8_is_no_receipt() -> None:
    with pytest.raises(Unreadable):
        answers.receipt(b'{"task_id": "\xff"}')


def test_the_request_id_of_the_headers_is_used_where_the_body_has_none() -> None:
    assert answers.receipt(b'{"task_id":"T-1"}', "from-header").request_id == "from-header"


def test_a_receipt_without_a_task_needs_the_apis_own_request_id() -> None:
    receipt = answers.receipt_without_task(b'{"RequestId":"R-1"}', "from-header")
    assert (receipt.task, receipt.request_id) == (None, "R-1")
    for body in (b"{}", b'{"RequestId":""}', b'{"RequestId":7}', b"<html><body>hello</body></html>", b""):
        with pytest.raises(Unreadable):
            answers.receipt_without_task(body, "from-header")


@pytest.mark.parametrize(
    ("code", "refused"),
    [(None, False), (0, False), ("0", False), ("", False), (1, True), ("7", True), ("StockNotEnough", True)],
)
def test_an_ens_success_is_one_without_a_code_or_with_code_zero(code: object, refused: bool) -> None:
    assert answers.refused(encoded({"RequestId": "R-1", "Code": code})) is refused


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("running", TaskState.RUNNING),
        ("success", TaskState.SUCCEEDED),
        ("fail", TaskState.FAILED),
        ("failed", TaskState.FAILED),
        ("paused", TaskState.PAUSED),
        ("canceled", TaskState.CANCELED),
        ("exploded", TaskState.UNKNOWN),
    ],
)
def test_task_states_are_named(state: str, expected: TaskState) -> None:
    assert answers.task(encoded({"task_id": "T-1", "state": state}), TaskId("T-1")).state is expected


def test_a_task_is_read_with_its_results() -> None:
    task = answers.task(
        encoded(
            {
                "task_id": "T-1",
                "cluster_id": "c1",
                "task_type": "cluster_scaleout",
                "state": "fail",
                "created": "2020-11-10T16:02:04+08:00",
                "error": {"code": "StockNotEnough", "message": "none left"},
                "task_result": [{"data": "i-1", "status": "success"}, {"data": "i-2", "status": "failed"}, {"data": 3}],
                "parameters": {"count": 2, "ens_region_id": "cn-a"},
            }
        ),
        TaskId("T-1"),
    )
    assert task.results == {"i-1": "success", "i-2": "failed"}
    assert (task.error_code, task.error_message) == ("StockNotEnough", "none left")
    assert task.created_at == 1604995324.0
    assert task.parameters == {"count": 2, "ens_region_id": "cn-a"}


def test_a_task_that_echoes_the_purchase_shows_no_password() -> None:
    echo = {
        "login_password": "Hello1234!",
        "list": [{"Password": "Hello1234!"}],
        "body": '{"login_password":"Hello1234!"}',
    }
    task = answers.task(encoded({"state": "running", "parameters": echo}), TaskId("T-1"))
    assert "Hello1234!" not in repr(task)


def test_a_task_without_a_state_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        answers.task(b"{}", TaskId("T-1"))


def test_tasks_before_the_time_are_left_out_and_those_without_a_time_are_kept() -> None:
    rows = [
        {"task_id": "old", "created": "2020-11-10T16:02:03+08:00", "task_type": "cluster_scaleout", "state": "running"},
        {"task_id": "new", "created": "2020-11-10T16:02:04.482+08:00"},
        {"task_id": "odd", "created": "yesterday"},
    ]
    page = answers.tasks(encoded({"tasks": rows, "page_info": {"total_count": 3}, "requestId": "r"}), 1604995324.0)
    assert [(row.task, row.created_at) for row in page.rows] == [("new", 1604995324.482), ("odd", 1604995324.0)]
    assert (page.count, page.total) == (3, 3)


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("initial", "NotReady", NodePhase.JOINING),
        ("initial", "Ready", NodePhase.JOINING),
        ("failed", "Unknown", NodePhase.FAILED),
        ("removing", "Ready", NodePhase.UNREADY),
        ("running", "Ready", NodePhase.READY),
        ("running", "NotReady", NodePhase.UNREADY),
        ("running", "Unknown", NodePhase.UNREADY),
        ("running", "Offline", NodePhase.UNREADY),
        ("running", None, NodePhase.UNREADY),
    ],
)
def test_a_nodes_phase_joins_both_columns(state: str, status: str | None, expected: NodePhase) -> None:
    row = {"instance_id": "i-1", "instance_role": "Worker", "state": state, "node_status": status}
    [node] = answers.nodes(encoded({"nodes": [row], "page": {"total_count": 1}})).rows
    assert node.phase is expected


def test_masters_are_no_nodes_but_count_as_rows() -> None:
    rows = [{"instance_id": "i-1", "instance_role": "Master"}, {"instance_id": "i-2", "instance_role": "Worker"}]
    page = answers.nodes(encoded({"nodes": rows, "page": {"total_count": 2}}))
    assert [node.instance for node in page.rows] == ["i-2"]
    assert page.count == 2


def test_an_instance_is_read() -> None:
    row = {
        "InstanceId": "i-1",
        "EnsRegionId": "cn-a",
        "Status": "Running",
        "CreationTime": "2020-11-10T08:02:04Z",
        "X": 1,
    }
    [instance] = answers.instances(encoded({"Instances": {"Instance": [row]}, "TotalCount": 1, "Code": 0})).rows
    assert (instance.instance, instance.region, instance.status) == ("i-1", "cn-a", "Running")
    assert instance.created_at == 1604995324.0


@pytest.mark.parametrize(
    "body", [{}, {"Instances": {}}, {"Instances": {"Instance": None}, "TotalCount": 3}, {"Instances": []}]
)
def test_a_missing_list_is_not_an_empty_region(body: object) -> None:
    with pytest.raises(Unreadable):
        answers.instances(encoded(body))


@pytest.mark.parametrize(
    "body", [{"TotalCount": 0}, {"Instances": {"Instance": []}}, {"Instances": None, "TotalCount": "0"}]
)
def test_an_empty_region_is_empty(body: object) -> None:
    assert answers.instances(encoded(body)).rows == ()


def test_an_instance_without_a_region_is_never_dropped_in_silence() -> None:
    with pytest.raises(Unreadable):
        answers.instances(encoded({"Instances": {"Instance": [{"InstanceId": "i-1"}]}, "TotalCount": 1}))


@pytest.mark.parametrize("value", ["", "2020-11-10 16:02:04", "2020-11-10", "soon", None, 7, "2020-13-40T00:00:00Z"])
def test_a_time_without_an_offset_or_sense_is_none(value: object) -> None:
    assert time_of(value) is None


@pytest.mark.parametrize("value", ["2020-11-10T16:02:04+08:00", "2020-11-10T08:02:04Z", "2020-11-10T08:02:04.000000Z"])
def test_one_moment_is_one_number_however_it_is_written(value: str) -> None:
    assert time_of(value) == 1604995324.0


@pytest.mark.parametrize("text", ["<!DOCTYPE r><task_id>T-1</task_id>", '<?xml version="1.0"?><!doctype r><r/>'])
def test_a_doctype_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(Unreadable, match="DOCTYPE"):
        answers.receipt(text.encode())
