"""The V3 signature: the documented vectors, and the official algorithm for anything else."""

import hashlib
from types import SimpleNamespace

import pytest
from alibabacloud_tea_openapi.utils import Utils
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from autoscaler.cloud.credentials import Credentials
from autoscaler.cloud.signing import acs_date, sign
from autoscaler.cloud.wire import Request

CREDENTIALS = Credentials("testid", SecretStr("testsecret"))
DATE, NONCE, HOST = "2026-01-02T03:04:05Z", "0123456789abcdef0123456789abcdef", "cs.cn-hangzhou.aliyuncs.com"
PURCHASE = Request("cs", "ScaleOutCluster", "2015-12-15", "POST", "/api/v2/clusters/c1", body=b'{"count":1}')
NODES = Request(
    "cs",
    "DescribeClusterNodes",
    "2015-12-15",
    "GET",
    "/clusters/c1/nodes",
    (("pageNumber", "1"), ("pageSize", "50"), ("nodeLabels", "a=b,c=d e")),
)


@pytest.mark.parametrize(
    ("request_", "names", "signature"),
    [
        (
            PURCHASE,
            "accept;content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version",
            "7ecf43124325b4d39b5ca748f2032c9b2dc3750b81c38425211cef26cc8ebd02",
        ),
        (
            NODES,
            "accept;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version",
            "318b55df2a09bc9d2a547f7a879a3111182e64dbe9286e6c13989f070a2019fa",
        ),
    ],
)
def test_the_documented_vectors_are_reproduced(request_: Request, names: str, signature: str) -> None:
    headers = sign(request_, HOST, CREDENTIALS, DATE, NONCE)
    expected = f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={names},Signature={signature}"
    assert headers["authorization"] == expected


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABC-._~0123456789", min_size=1, max_size=12)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    query=st.dictionaries(words, anything, max_size=5),
    body=st.binary(max_size=60),
    secret=anything.filter(bool),
    token=st.none() | words,
    segment=words,
)
def test_every_signature_equals_the_official_one(
    query: dict[str, str], body: bytes, secret: str, token: str | None, segment: str
) -> None:
    request = Request("cs", "AnyAction", "2015-12-15", "POST", f"/clusters/{segment}", tuple(query.items()), body)
    credentials = Credentials("testid", SecretStr(secret), SecretStr(token) if token else None)
    headers = sign(request, HOST, credentials, DATE, NONCE)
    ours = headers.pop("authorization")
    official = SimpleNamespace(method="POST", pathname=request.path, query=query, headers=headers)
    digest = hashlib.sha256(body).hexdigest()
    assert ours == Utils.get_authorization(official, "ACS3-HMAC-SHA256", digest, "testid", secret)


def test_a_security_token_is_sent_and_signed() -> None:
    credentials = Credentials("testid", SecretStr("testsecret"), SecretStr("sts"))
    headers = sign(PURCHASE, HOST, credentials, DATE, NONCE)
    assert headers["x-acs-accesskey-id"] == "testid"
    assert headers["x-acs-security-token"] == "sts"
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert {"x-acs-accesskey-id", "x-acs-security-token", "host", "accept", "content-type"} <= set(signed)


def test_no_token_header_is_sent_without_a_token() -> None:
    assert "x-acs-security-token" not in sign(PURCHASE, HOST, CREDENTIALS, DATE, NONCE)


def test_the_date_is_utc_with_whole_seconds() -> None:
    assert acs_date(1767323045.999) == "2026-01-02T03:04:05Z"
