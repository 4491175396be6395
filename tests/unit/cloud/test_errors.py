"""The table of errors: what each answer makes the executor do."""

import json

import pytest

from autoscaler.cloud.errors import TABLE, error_from, known_reaction
from autoscaler.model.errors import (
    BalanceExhausted,
    Busy,
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

THROTTLING = ("Throttling", "Throttling.User", "Throttling.Api", "Rejected.Throttling")
SIGNATURE = (
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidAccessKeyId.NotFound",
    "InvalidSecurityToken.Expired",
)
FIVES = (500, 502, 503, 504)
ROWS: list[tuple[tuple[str, ...], tuple[int, ...], type[CloudError], type[CloudError]]] = [
    # codes, the statuses they come with, on a purchase, on a read
    # Section 9 of the API's facts, row by row.
    (THROTTLING, (400, 429, 503), Throttled, Throttled),
    (("ServiceUnavailable",), (503,), OutcomeUnknown, OutcomeUnknown),
    (("InternalError", "SomethingNew", "StockNotEnough"), FIVES, OutcomeUnknown, OutcomeUnknown),
    (("ErrorClusterNotFound",), (404,), Rejected, NotFound),
    (("ErrorClusterState",), (400,), Busy, Busy),
    (("ErrorCheckAcl", "Forbidden.RAM", "StatusForbidden", "NoPermission"), (403,), Forbidden, Forbidden),
    (("NoPermission",), (400,), Forbidden, Forbidden),
    (("InvalidParameter", "InvalidParameter.Name"), (400,), Rejected, Rejected),
    (("MissingParameter",), (400,), Rejected, Rejected),
    (
        ("QuotaExceeded.Node", "QuotaExceeded.Cluster", "ErrorQuotaExceed", "ErrorQuotaExceeded", "QuotaExceed.Node"),
        (400,),
        QuotaExceeded,
        QuotaExceeded,
    ),
    (("InsufficientBalance",), (400,), BalanceExhausted, BalanceExhausted),
    (("StockNotEnough", "NoInstanceStock"), (400,), OutOfStock, OutOfStock),
    (("InstanceIdNotFound", "InstanceNotFound"), (400,), Rejected, NotFound),
    (("CallInterface", "ens.interface.error"), (400,), OutcomeUnknown, OutcomeUnknown),
    (("InvalidTimeStamp.Expired",), (400,), Forbidden, Forbidden),
    (SIGNATURE, (400, 403, 404), Forbidden, Forbidden),
    (("SignatureNonceUsed",), (400, 403, 404), OutcomeUnknown, OutcomeUnknown),
    # Its traps, and what is documented elsewhere.
    (("OperationDenied.NoStock",), (403,), OutOfStock, OutOfStock),
    (("ErrorNodePoolNotFound", "ErrorClusterNodePoolNotFound"), (400, 404), Rejected, NotFound),
    (("ServiceUnavailable", "InternalError"), (400,), OutcomeUnknown, OutcomeUnknown),
    (("ErrorClusterState", "InsufficientBalance", "InvalidParameter"), FIVES, OutcomeUnknown, OutcomeUnknown),
    (THROTTLING, (500, 502, 504), OutcomeUnknown, Throttled),
    (("Throttling.User.Concurrency", "ThrottlingException"), (400, 429), Throttled, Throttled),
    (("SomethingNew",), (400, 405, 409, 415, 422), Rejected, Rejected),
    (("SomethingNew",), (404,), Rejected, NotFound),
    (("SomethingNew",), (401, 403), Forbidden, Forbidden),
    (("SomethingNew",), (429,), Throttled, Throttled),
    (("RequestTimeout",), (408, 499), OutcomeUnknown, Rejected),
]
CASES = [
    (code, status, on_purchase, on_read)
    for codes, statuses, on_purchase, on_read in ROWS
    for code in codes
    for status in statuses
]
PASCAL, LOWER = ("Code", "Message", "RequestId"), ("code", "message", "requestId")


def error(status: int, body: bytes, *, purchase: bool = True, **headers: str) -> CloudError:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from("ScaleOutCluster", status, names, body, purchase=purchase)


@pytest.mark.parametrize(("code", "status", "on_purchase", "on_read"), CASES)
@pytest.mark.parametrize("keys", [PASCAL, LOWER])
@pytest.mark.parametrize("action", ["ScaleOutCluster", "ScaleClusterNodePool", "ModifyClusterNodePool"])
def test_every_code_has_its_reaction_whatever_the_operation(
    action: str,
    code: str,
    status: int,
    on_purchase: type[CloudError],
    on_read: type[CloudError],
    keys: tuple[str, str, str],
) -> None:
    body = json.dumps(dict(zip(keys, (code, "because", "R-1"), strict=True))).encode()
    for purchase, expected in ((True, on_purchase), (False, on_read)):
        found = error_from(action, status, {}, body, purchase=purchase)
        assert type(found) is expected
        assert (found.action, found.code, found.status, found.request_id) == (action, code, status, "R-1")
        assert code in str(found)
        assert "because" in str(found)


@pytest.mark.parametrize(("code", "status", "on_purchase", "on_read"), CASES)
def test_a_wait_changes_what_nobody_knows_and_never_a_doubt_about_a_purchase(
    code: str, status: int, on_purchase: type[CloudError], on_read: type[CloudError]
) -> None:
    body = json.dumps({"Code": code}).encode()
    unknown = known_reaction(code) is None
    bought = error(status, body, x_acs_retry_after="1500")
    assert type(bought) is (Throttled if unknown and on_purchase is Rejected and status != 404 else on_purchase)
    read = error(status, body, purchase=False, x_acs_retry_after="1500")
    assert type(read) is (Throttled if status >= 500 or (unknown and on_read is Rejected) else on_read)
    assert [e.retry_after for e in (bought, read) if isinstance(e, Throttled) and e.retry_after != 1.5] == []


def test_no_code_of_the_table_is_untested() -> None:
    tested = {code.lower() for code, *_ in CASES}
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


@pytest.mark.parametrize(("code", "on_read"), [("StockNotEnough", OutOfStock), ("", OutcomeUnknown)])
def test_a_failure_inside_a_success_leaves_a_purchase_in_doubt(code: str, on_read: type[CloudError]) -> None:
    body = json.dumps({"Code": code or 7, "Message": "inner"}).encode()
    assert type(error(200, body)) is OutcomeUnknown
    assert type(error(200, body, purchase=False)) is on_read


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
