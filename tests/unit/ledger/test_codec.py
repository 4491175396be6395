"""Rows: exact, complete, and without a place for a secret."""

import json
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from autoscaler.ledger import codec
from autoscaler.ledger.codec import (
    decode_act,
    decode_operation,
    decode_order,
    encode_act,
    encode_operation,
    encode_order,
)
from autoscaler.model.act import Act, ActKind
from autoscaler.model.names import InstanceId, TaskId
from autoscaler.model.operation import Operation, ScaleOutCluster
from autoscaler.model.order import Baseline, OrderState, Receipt
from autoscaler.model.reason import Reason
from tests.unit.ledger.builders import NOW, OPERATIONS, accepted_changes, operation, planned, release


def test_every_operation_of_the_closed_union_can_be_stored() -> None:
    members = get_args(Operation) or (Operation,)
    assert set(codec.OPERATIONS.values()) == set(members) == {type(kept) for kept in OPERATIONS}


def test_an_operation_is_stored_under_the_name_that_the_api_gives_it() -> None:
    stored = json.loads(encode_operation(operation()))
    assert stored["operation"] == "ScaleOutCluster"
    assert set(stored) == {"operation", *(field.name for field in fields(ScaleOutCluster))}


def test_none_false_and_zero_stay_apart() -> None:
    bare = replace(operation(), worker_auto_renew=False, worker_auto_renew_period=None, worker_data_disk_size=0)
    full = replace(operation(), worker_auto_renew=True, worker_auto_renew_period=0, timeout_mins=0)
    assert decode_operation(encode_operation(bare)) == bare
    assert decode_operation(encode_operation(full)) == full
    for kept in (bare, full):
        read = decode_operation(encode_operation(kept))
        assert isinstance(read, ScaleOutCluster)
        assert read.worker_auto_renew_period is kept.worker_auto_renew_period


@pytest.mark.parametrize("kept", OPERATIONS, ids=lambda kept: kept.name)
def test_an_operation_keeps_its_tag_its_fields_and_the_meaning_of_its_count(kept: Operation) -> None:
    text = encode_operation(kept)
    assert json.loads(text)["operation"] == kept.name
    read = decode_operation(text)
    assert (read, type(read), read.count) == (kept, type(kept), kept.count)


def test_a_baseline_of_version_1_has_no_pool() -> None:
    row = {**encode_order(planned()), "baseline": '{"at": 5.0, "instances": ["i-1"]}'}
    assert decode_order(row).baseline == Baseline(frozenset({InstanceId("i-1")}), 5.0, None)


@pytest.mark.parametrize("kind", ActKind)
def test_an_act_is_given_back_as_it_was(kind: ActKind) -> None:
    act = Act(kind, "o1", "seen in the console", "anna", NOW, 7, NOW + 1, "done")
    assert decode_act(encode_act(act)) == act


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"operation": "BuyEverything"}', KeyError),
        ('{"operation": "ScaleOutCluster", "cluster": "c1"}', TypeError),
        (encode_operation(operation())[:-1] + ', "surprise": 1}', TypeError),
        ("{", ValueError),
    ],
)
def test_an_operation_that_was_not_written_here_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_operation(text)


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "bought"), ("reason", "Because"), ("instances", "i-1"), ("baseline", "{}"), ("operation", "{}")],
)
def test_a_row_that_was_not_written_here_is_refused(column: str, value: str) -> None:
    with pytest.raises((LookupError, ValueError)):
        decode_order({**encode_order(planned()), column: value})


def test_no_column_and_no_stored_field_has_a_place_for_a_secret() -> None:
    order = planned().moved(OrderState.SUBMITTING, Reason.SENDING, NOW, **accepted_changes())
    names = {*encode_order(order), *json.loads(encode_operation(order.operation)), *encode_act(release())}
    suspicious = ("password", "secret", "token", "credential", "access_key")
    assert not [name for name in names for word in suspicious if word in name]


@pytest.mark.parametrize("place", ["detail", "receipt"])
def test_text_that_utf_8_can_not_hold_is_kept_escaped_instead_of_losing_the_order(place: str) -> None:
    """A JSON answer may hold half a surrogate pair; SQLite takes UTF-8 only."""
    broken = "stock \ud83d out"
    changes: dict[str, Any] = {"detail": broken} if place == "detail" else {"receipt": Receipt(TaskId(broken), broken)}
    stored = decode_order(encode_order(replace(planned(), **changes)))
    texts = [stored.detail] if stored.receipt is None else [stored.receipt.task, stored.receipt.request_id]
    assert set(texts) == {"stock \\ud83d out"}
