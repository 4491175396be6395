"""Signing: ACS3-HMAC-SHA256, the vendor's "V3" signature.

A request, credentials, a date and a nonce come in; the headers to send go out. Pure: no clock and no randomness.
Source: "V3 request structure and signature" of the vendor; alibabacloud_tea_openapi 0.4.6 computes the same.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from autoscaler.cloud.credentials import Credentials
from autoscaler.cloud.wire import Request

ALGORITHM = "ACS3-HMAC-SHA256"


def sign(request: Request, host: str, credentials: Credentials, date: str, nonce: str) -> dict[str, str]:
    """All headers of a request, `authorization` included; every other one is signed.

    `host` is what goes into the Host header, `date` is `acs_date(now)`, `nonce` must never be used twice.
    """
    payload_hash = hashlib.sha256(request.body).hexdigest()
    headers = {
        "accept": "application/json",
        "host": host,
        "x-acs-action": request.action,
        "x-acs-content-sha256": payload_hash,
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": request.version,
    }
    if request.body:
        headers["content-type"] = "application/json; charset=utf-8"
    if credentials.security_token is not None:
        headers["x-acs-accesskey-id"] = credentials.access_key_id
        headers["x-acs-security-token"] = credentials.security_token.get_secret_value()
    secret = credentials.access_key_secret.get_secret_value()
    canonical = canonical_request(request.method, request.path, request.query, headers, payload_hash)
    return {**headers, "authorization": authorization(canonical, _names(headers), credentials.access_key_id, secret)}


def acs_date(at: float) -> str:
    """`x-acs-date` for a time in Unix seconds.

    >>> acs_date(1767323045.9)
    '2026-01-02T03:04:05Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query as it is signed, and as it is sent: sorted by name, all but unreserved characters percent-encoded."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(pairs))


def canonical_request(
    method: str, path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str], payload_hash: str
) -> str:
    """The text whose hash is signed. `path` is percent-encoded already; header names are lower case."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    return "\n".join((method, path or "/", canonical_query(query), lines, _names(headers), payload_hash))


def authorization(canonical: str, signed_names: str, access_key_id: str, secret: str) -> str:
    """The Authorization header for a canonical request. The secret itself is the key."""
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={access_key_id},SignedHeaders={signed_names},Signature={signature}"


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))


def _encoded(text: str) -> str:
    return quote(text, safe="~")
