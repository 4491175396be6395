"""What counts as a notification of Alertmanager, and what is said of anything else."""

import json

import pytest

from autoscaler.sources.alerts_payload import read_notification
from tests.unit.sources.alert_posts import alert, notification
from tests.unit.sources.fakes import NOW


def without(key: str) -> bytes:
    whole = json.loads(notification(alert()))
    del whole[key]
    return json.dumps(whole).encode()


def test_times_with_nanoseconds_and_the_zero_time_are_read() -> None:
    read = read_notification(notification(alert(startsAt="2023-11-14T22:13:20.123456789Z")))
    assert read.alerts[0].starts_at.timestamp() == pytest.approx(NOW + 0.123456, abs=1e-5)
    assert read.alerts[0].ends_at.year == 1


def test_what_is_not_known_is_tolerated() -> None:
    read = read_notification(notification(alert(novelty=[1]), novelty={"a": None}, notificationReason="repeat"))
    assert (read.version, len(read.alerts), read.truncated) == ("4", 1, 0)


def test_an_old_alertmanager_does_not_count_what_it_cut_off() -> None:
    assert read_notification(without("truncatedAlerts")).truncated == 0


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (notification(alert(), version="3"), "version: Input should be '4'"),
        (without("version"), "version: Field required"),
        (without("alerts"), "alerts: Field required"),
        (without("groupKey"), "groupKey: Field required"),
        (notification(alert(), status="pending"), "status: Input should be 'firing' or 'resolved'"),
        (notification(alert(), status="resolved"), "an alert of the group is firing"),
        (notification(alert(), truncatedAlerts=-1), "truncatedAlerts"),
        (notification(alert(status="odd")), "alerts.0.status"),
        (notification(alert(startsAt="yesterday")), "alerts.0.startsAt"),
        (notification(alert(startsAt="2023-11-14T22:13:20")), "alerts.0.startsAt: Input should have timezone"),
        (notification(alert(fingerprint="")), "alerts.0.fingerprint"),
        (notification(alert(labels={"a": 1})), "alerts.0.labels.a"),
    ],
)
def test_anything_else_is_refused_with_where_it_is_wrong(body: bytes, where: str) -> None:
    with pytest.raises(ValueError, match="no Alertmanager notification of version 4: ") as refused:
        read_notification(body)
    assert where in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_refusal_does_not_quote_what_was_posted() -> None:
    with pytest.raises(ValueError, match="version 4") as refused:
        read_notification(notification(alert(labels={"password": ["hunter2"]})))
    assert "hunter2" not in str(refused.value)
