"""The vectors were computed with the vendor's own SDK, not with this project's signer."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from pydantic import SecretStr

from autoscaler.simulator.records import Refusal
from autoscaler.simulator.signature import ReceivedRequest, SignatureVerifier

NOW = 1_767_323_045.0  # 2026-01-02T03:04:05Z
SECRET = "testsecret"
COMMON = {
    "accept": "application/json",
    "host": "cs.cn-hangzhou.aliyuncs.com",
    "x-acs-date": "2026-01-02T03:04:05Z",
    "x-acs-signature-nonce": "0123456789abcdef0123456789abcdef",
    "x-acs-version": "2015-12-15",
}
POST_NAMES = "accept;content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
POST_SIGNATURE = "7ecf43124325b4d39b5ca748f2032c9b2dc3750b81c38425211cef26cc8ebd02"
POST = ReceivedRequest(
    "POST",
    "/api/v2/clusters/c1",
    "",
    {
        **COMMON,
        "content-type": "application/json; charset=utf-8",
        "x-acs-action": "ScaleOutCluster",
        "x-acs-content-sha256": "6aea6dfe6561984cdc5c54ead84d47d2cf29e48253ae282aef237404adad4661",
        "authorization": f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={POST_NAMES},Signature={POST_SIGNATURE}",
    },
    b'{"count":1}',
)
GET_NAMES = POST_NAMES.replace("content-type;", "")
GET_SIGNATURE = "318b55df2a09bc9d2a547f7a879a3111182e64dbe9286e6c13989f070a2019fa"
GET = ReceivedRequest(
    "GET",
    "/clusters/c1/nodes",
    "pageNumber=1&pageSize=50&nodeLabels=a%3Db%2Cc%3Dd%20e",
    {
        **COMMON,
        "content-type": "application/octet-stream",
        "x-acs-action": "DescribeClusterNodes",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "authorization": f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={GET_NAMES},Signature={GET_SIGNATURE}",
    },
    b"",
)


def verify(request: ReceivedRequest, now: float = NOW, secret: str = SECRET) -> None:
    SignatureVerifier("testid", SecretStr(secret)).verify(request, now)


def refused(request: ReceivedRequest, now: float = NOW, secret: str = SECRET) -> tuple[str, int]:
    with pytest.raises(Refusal) as caught:
        verify(request, now, secret)
    return caught.value.code, caught.value.status


def with_headers(request: ReceivedRequest, **headers: str | None) -> ReceivedRequest:
    changed = {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return replace(request, headers={name: value for name, value in changed.items() if value is not None})


@pytest.mark.parametrize("request_", [POST, GET])
def test_a_request_signed_by_the_vendors_sdk_is_accepted(request_: ReceivedRequest) -> None:
    verify(request_)


@pytest.mark.parametrize(
    "query",
    ["nodeLabels=a=b,c=d+e&pageSize=50&pageNumber=1", "pageNumber=1&pageSize=50&nodeLabels=a%3db%2cc%3dd%20e"],
)
def test_it_does_not_matter_how_the_query_is_escaped_and_ordered(query: str) -> None:
    verify(replace(GET, raw_query=query))


@pytest.mark.parametrize(
    "tampered",
    [
        replace(POST, body=b'{"count":9}'),
        replace(POST, path="/api/v2/clusters/c2"),
        replace(POST, method="PUT"),
        replace(POST, raw_query="count=9"),
        replace(GET, raw_query=GET.raw_query.replace("50", "51")),
        with_headers(POST, host="elsewhere"),
        with_headers(POST, x_acs_action="Other"),
        with_headers(POST, content_type="text/plain"),
        replace(
            with_headers(POST, x_acs_content_sha256=hashlib.sha256(b'{"count":9}').hexdigest()), body=b'{"count":9}'
        ),
    ],
)
def test_a_tampered_request_is_refused(tampered: ReceivedRequest) -> None:
    assert refused(tampered) == ("SignatureDoesNotMatch", 400)


def test_a_wrong_secret_and_an_unknown_key_are_told_apart() -> None:
    assert refused(POST, secret="other") == ("SignatureDoesNotMatch", 400)
    stranger = with_headers(POST, authorization=POST.headers["authorization"].replace("testid", "nobody"))
    assert refused(stranger) == ("InvalidAccessKeyId.NotFound", 404)


def test_a_nonce_serves_once_and_stays_used_as_long_as_its_date_is_good() -> None:
    verifier = SignatureVerifier("testid", SecretStr(SECRET))
    verifier.verify(POST, NOW - 899)
    verifier.verify(old_style(), NOW + 898)
    with pytest.raises(Refusal, match="SignatureNonceUsed"):
        verifier.verify(POST, NOW + 899)


def test_a_refused_request_does_not_use_up_its_nonce() -> None:
    verifier = SignatureVerifier("testid", SecretStr(SECRET))
    with pytest.raises(Refusal):
        verifier.verify(replace(POST, body=b"{}"), NOW)
    verifier.verify(POST, NOW)


@pytest.mark.parametrize(("drift", "accepted"), [(-901, False), (-899, True), (899, True), (901, False)])
def test_a_date_is_good_for_fifteen_minutes(drift: float, accepted: bool) -> None:
    if accepted:
        verify(POST, NOW + drift)
    else:
        assert refused(POST, NOW + drift) == ("InvalidTimeStamp.Expired", 400)


@pytest.mark.parametrize(
    "incomplete",
    [
        with_headers(POST, authorization=None),
        with_headers(POST, authorization="Bearer x"),
        with_headers(POST, x_acs_date=None),
        with_headers(POST, x_acs_signature_nonce=None),
        with_headers(POST, x_acs_content_sha256=None),
        with_headers(POST, x_acs_security_token="not among the signed names"),
        with_headers(POST, authorization=POST.headers["authorization"].replace("host;", "")),
        with_headers(POST, authorization=POST.headers["authorization"].replace("content-type;", "")),
    ],
)
def test_what_must_be_signed_must_be_there(incomplete: ReceivedRequest) -> None:
    assert refused(incomplete) == ("IncompleteSignature", 400)


def old_style(secret: str = SECRET, date: str = "Fri, 02 Jan 2026 03:04:05 GMT") -> ReceivedRequest:
    text = (
        f"POST\napplication/json\n\napplication/json; charset=utf-8\n{date}\n"
        "x-acs-action:ScaleOutCluster\nx-acs-signature-method:HMAC-SHA1\nx-acs-signature-nonce:n1\n"
        "x-acs-signature-version:1.0\nx-acs-version:2015-12-15\n/api/v2/clusters/c1?a=b c"
    )
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    headers = {
        "accept": "application/json",
        "content-type": "application/json; charset=utf-8",
        "date": date,
        "x-acs-action": "ScaleOutCluster",
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-nonce": "n1",
        "x-acs-signature-version": "1.0",
        "x-acs-version": "2015-12-15",
        "authorization": f"acs testid:{signature}",
    }
    return ReceivedRequest("POST", "/api/v2/clusters/c1", "a=b+c", headers, b'{"count":1}')


def test_the_scheme_of_older_sdks_is_understood_too() -> None:
    verify(old_style())
    assert refused(old_style(secret="other")) == ("SignatureDoesNotMatch", 400)
    assert refused(with_headers(old_style(), date=None)) == ("IncompleteSignature", 400)
    assert refused(old_style(date="whenever")) == ("InvalidTimeStamp.Format", 400)
    assert refused(old_style(), NOW + 1000) == ("InvalidTimeStamp.Expired", 400)
