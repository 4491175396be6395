"""The table of errors: what each answer makes the executor do."""

import json

import pytest

from autoscaler.cloud.errors import TABLE, error_from, known_reaction
from autoscaler.model.errors import (
    CloudError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    QuotaExceeded,
    Rejected,
    Throttled,
)

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"

CODES: list[tuple[str, int, type[CloudError], type[CloudError]]] = [
    # code, status, on a purchase, on a read
    ("Throttling.User", 400, Throttled, Throttled),
    ("Throttling.User", 429, Throttled, Throttled),
    ("Throttling", 400, Throttled, Throttled),
    ("Throttling.Api", 503, Throttled, Throttled),
    ("Rejected.Throttling", 503, Throttled, Throttled),
    ("ServiceUnavailable", 503, OutcomeUnknown, OutcomeUnknown),
    ("InternalError", 500, OutcomeUnknown, OutcomeUnknown),
    ("ErrorClusterNotFound", 404, Rejected, NotFound),
    ("ErrorClusterState", 400, Throttled, Throttled),
    ("ErrorClusterState", 500, OutcomeUnknown, OutcomeUnknown),
    ("ErrorCheckAcl", 403, Forbidden, Forbidden),
    ("Forbidden.RAM", 403, Forbidden, Forbidden),
    ("StatusForbidden", 403, Forbidden, Forbidden),
    ("NoPermission", 400, Forbidden, Forbidden),
    ("InvalidParameter", 400, Rejected, Rejected),
    ("InvalidParameter.Name", 400, Rejected, Rejected),
    ("MissingParameter", 400, Rejected, Rejected),
    ("QuotaExceeded.Node", 400, QuotaExceeded, QuotaExceeded),
    ("QuotaExceeded.Cluster", 400, QuotaExceeded, QuotaExceeded),
    ("QuotaExceed.Instance", 400, QuotaExceeded, QuotaExceeded),
    ("ErrorQuotaExceeded", 400, QuotaExceeded, QuotaExceeded),
    ("ErrorQuotaExceed", 400, QuotaExceeded, QuotaExceeded),
    ("InsufficientBalance", 400, QuotaExceeded, QuotaExceeded),
    ("StockNotEnough", 400, OutOfStock, OutOfStock),
    ("OperationDenied.NoStock", 403, OutOfStock, OutOfStock),
    ("NoInstanceStock", 400, OutOfStock, OutOfStock),
    ("InstanceIdNotFound", 400, Rejected, NotFound),
    ("InstanceNotFound", 400, Rejected, NotFound),
    ("CallInterface", 400, OutcomeUnknown, OutcomeUnknown),
    ("ens.interface.error", 400, OutcomeUnknown, OutcomeUnknown),
    ("InvalidTimeStamp.Expired", 400, Forbidden, Forbidden),
    ("SignatureNonceUsed", 400, OutcomeUnknown, OutcomeUnknown),
    ("SignatureDoesNotMatch", 400, Forbidden, Forbidden),
    ("IncompleteSignature", 400, Forbidden, Forbidden),
    ("InvalidAccessKeyId.NotFound", 404, Forbidden, Forbidden),
    ("InvalidSecurityToken.Expired", 400, Forbidden, Forbidden),
    ("SomethingNew", 400, Rejected, Rejected),
    ("SomethingNew", 404, Rejected, NotFound),
    ("SomethingNew", 409, Rejected, Rejected),
    ("SomethingNew", 401, Forbidden, Forbidden),
    ("SomethingNew", 500, OutcomeUnknown, OutcomeUnknown),
    ("StockNotEnough", 500, OutcomeUnknown, OutcomeUnknown),
]


def error(status: int, body: bytes, *, purchase: bool = True, **headers: str) -> CloudError:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from("ScaleOutCluster", status, names, body, purchase=purchase)


@pytest.mark.parametrize(("code", "status", "on_purchase", "on_read"), CODES)
@pytest.mark.parametrize("keys", [("Code", "Message", "RequestId"), ("code", "message", "requestId")])
def test_every_known_code_has_its_reaction(
    code: str, status: int, on_purchase: type[CloudError], on_read: type[CloudError], keys: tuple[str, str, str]
) -> None:
    body = json.dumps(dict(zip(keys, (code, "because", "R-1"), strict=True))).encode()
    for purchase, expected in ((True, on_purchase), (False, on_read)):
        found = error(status, body, purchase=purchase)
        assert type(found) is expected
        assert (found.code, found.status, found.request_id) == (code, status, "R-1")
        assert code in str(found)
        assert "because" in str(found)


def test_no_code_of_the_table_is_untested() -> None:
    tested = {code.lower() for code, *_ in CODES}
    assert [row for row in TABLE if not any(f"{code}.".startswith(f"{row.lower()}.") for code in tested)] == []


def test_codes_are_compared_without_case_and_by_family() -> None:
    assert known_reaction("throttling.user.concurrency") is Throttled
    assert known_reaction("ThrottlingIsNot") is None
    assert known_reaction("") is None


@pytest.mark.parametrize(
    ("status", "body", "on_purchase", "on_read"),
    [
        (502, HTML, OutcomeUnknown, OutcomeUnknown),
        (500, b"", OutcomeUnknown, OutcomeUnknown),
        (400, HTML, OutcomeUnknown, Rejected),
        (400, b"{}", OutcomeUnknown, Rejected),
        (400, b'{"code": 415, "message": "Unsupported Media Type"}', OutcomeUnknown, Rejected),
        (404, HTML, OutcomeUnknown, Rejected),
        (408, b"", OutcomeUnknown, Rejected),
        (401, b"", Forbidden, Forbidden),
        (403, HTML, Forbidden, Forbidden),
        (429, b"", Throttled, Throttled),
        (302, b"", OutcomeUnknown, Rejected),
        (307, HTML, OutcomeUnknown, Rejected),
    ],
)
def test_without_a_readable_code_a_purchase_is_in_doubt(
    status: int, body: bytes, on_purchase: type[CloudError], on_read: type[CloudError]
) -> None:
    assert type(error(status, body)) is on_purchase
    assert type(error(status, body, purchase=False)) is on_read
    assert error(status, body).code == f"HTTP {status}"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1500", 1.5), ("1", 0.001), ("0", None), ("-5", None), ("soon", None), ("", None), ("99999999", 120.0)],
)
def test_the_wait_is_milliseconds(value: str, seconds: float | None) -> None:
    found = error(429, b'{"Code":"Throttling.User"}', x_acs_retry_after=value)
    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


def test_a_5xx_with_a_wait_stays_in_doubt_on_a_purchase_only() -> None:
    assert type(error(503, HTML, x_acs_retry_after="100")) is OutcomeUnknown
    assert type(error(503, HTML, purchase=False, x_acs_retry_after="100")) is Throttled


def test_an_unknown_code_with_a_wait_is_throttling_and_without_a_code_a_doubt() -> None:
    assert type(error(400, b'{"code":"SomethingNew"}', x_acs_retry_after="100")) is Throttled
    assert type(error(400, b"", x_acs_retry_after="100")) is OutcomeUnknown


def test_an_unknown_code_is_told_loudly() -> None:
    assert "SomethingNew: this error code is not in the table" in str(error(400, b'{"code":"SomethingNew"}'))


def test_a_wrong_clock_is_told_as_such() -> None:
    assert "clock" in str(error(400, b'{"Code":"InvalidTimeStamp.Expired","Message":"m"}'))


def test_an_xml_error_is_read() -> None:
    body = b'<?xml version="1.0"?><Error><Code>StockNotEnough</Code><RequestId>R-2</RequestId></Error>'
    found = error(400, body)
    assert type(found) is OutOfStock
    assert found.request_id == "R-2"


@pytest.mark.parametrize("secret", ["Hello1234!", 'He"llo\\1234', "a b/c+d=e&f"])
def test_no_secret_is_left_in_a_message(secret: str) -> None:
    echo = json.dumps({"login_password": secret})
    body = json.dumps({"code": "InvalidParameter", "message": "x" * 290 + f" {secret} and {echo}"}).encode()
    found = error_from("ScaleOutCluster", 400, {}, body, purchase=True, secrets=(secret,))
    assert secret[:5] not in str(found).replace("ScaleOutCluster", "")


def test_a_message_is_at_most_300_characters() -> None:
    body = json.dumps({"code": "InvalidParameter", "message": "x" * 5000}).encode()
    assert str(error(400, body)).count("x") == 300


def test_an_html_page_is_never_quoted() -> None:
    assert "nginx" not in str(error(502, HTML))
