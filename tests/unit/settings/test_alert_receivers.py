"""What an operator may write about alert receivers, and what is refused."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from autoscaler.settings.alertmanager import AlertReceiver, check_receivers
from autoscaler.settings.web_tls import TlsServer

HOUR = 3600.0


def receiver(**written: object) -> AlertReceiver:
    return AlertReceiver.model_validate({"name": "edge", **written})


def test_the_default_expiry_is_longer_than_alertmanager_s_silence() -> None:
    repeat_interval, group_interval = 4 * HOUR, 300.0
    assert receiver().expires_after > repeat_interval + 2 * group_interval


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"name": ""}, "should match pattern"),
        ({"name": "a/b"}, "should match pattern"),
        ({"name": "a b"}, "should match pattern"),
        ({"bearer_token": "a", "bearer_token_file": "f"}, "exclude each other"),
        ({"bearer_token": ""}, "is no token"),
        ({"bearer_token": "two words"}, "is no token"),
        ({"region_label": "a-b"}, "is no label name"),
        ({"expires_after": "0s"}, "greater than 0"),
        ({"body_size_limit": 0}, "greater than 0"),
        ({"token": "x"}, "Extra inputs"),
    ],
)
def test_a_receiver_that_can_not_work_is_refused(written: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        receiver(**written)


def test_a_receiver_that_everybody_could_post_to_is_refused() -> None:
    tls = TlsServer(cert_file=Path("c"), key_file=Path("k"))
    open_one, closed = receiver(), receiver(name="other", bearer_token_file="t")
    for without_clients in (None, tls):
        with pytest.raises(ValueError, match="could send alerts to edge: write bearer_token_file"):
            check_receivers([open_one, closed], without_clients)
        check_receivers([closed], without_clients)
    check_receivers([open_one], tls.model_copy(update={"client_ca_file": Path("ca")}))


def test_the_token_does_not_show() -> None:
    written = receiver(bearer_token="hush")
    assert "hush" not in repr(written)
    assert "hush" not in written.model_dump_json()


@pytest.mark.parametrize("model", [AlertReceiver, TlsServer])
def test_every_field_says_what_it_means(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []
