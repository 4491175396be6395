"""Who calls, and is the call what they signed? A verifier of its own: it shares no line with the client's signer.

A received request comes in; nothing, or a Refusal, goes out. It must not import the cloud room.
Sources: Alibaba Cloud, "V3 request structure and signature" (ACS3-HMAC-SHA256); the ROA HMAC-SHA1 scheme of older SDKs.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote

from pydantic import SecretStr

from autoscaler.simulator.records import Refusal

_V3 = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)")
_V2 = re.compile(r"acs ([^:]+):(\S+)")
_MUST_BE_SIGNED = frozenset(
    {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
)
_WINDOW = 15 * 60.0


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it stood on the wire. Header names are lower-case; `path` and `raw_query` are still encoded."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query: clients differ in how they escape it, so only the decoded form can be compared."""
        return parse_qsl(self.raw_query, keep_blank_values=True)


class SignatureVerifier:
    """Knows one key. Remembers nonces for as long as their dates could still be accepted."""

    def __init__(self, access_key_id: str, secret: SecretStr) -> None:
        self._key = access_key_id
        self._secret = secret
        self._nonces: dict[str, float] = {}

    def verify(self, request: ReceivedRequest, now: float) -> None:
        """Accept or refuse. `now` is Unix seconds of the clock that the client's date is compared with.

        Raises:
            Refusal: IncompleteSignature, InvalidAccessKeyId.NotFound, SignatureDoesNotMatch, SignatureNonceUsed,
                InvalidTimeStamp.Format or InvalidTimeStamp.Expired.
        """
        authorization = request.headers.get("authorization", "")
        if found := _V3.fullmatch(authorization):
            date = self._verify_v3(request, *found.groups())
        elif found := _V2.fullmatch(authorization):
            date = self._verify_v2(request, *found.groups())
        else:
            raise Refusal("IncompleteSignature", "The request carries no signature that conforms to the standard.")
        if abs(now - date) > _WINDOW:
            raise Refusal("InvalidTimeStamp.Expired", "The date of the request is more than 15 minutes off.")
        self._use_nonce(request.headers.get("x-acs-signature-nonce", ""), now)

    def _verify_v3(self, request: ReceivedRequest, key: str, names: str, signature: str) -> float:
        self._know(key)
        signed = names.split(";")
        _require_v3_headers(request, frozenset(signed))
        if hashlib.sha256(request.body).hexdigest() != request.headers["x-acs-content-sha256"]:
            raise Refusal("SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body.")
        canonical = _canonical_v3(request, signed)
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        wanted = hmac.new(self._secret_bytes(), text.encode(), hashlib.sha256).hexdigest()
        _same(wanted, signature)
        return _date(request.headers["x-acs-date"])

    def _verify_v2(self, request: ReceivedRequest, key: str, signature: str) -> float:
        self._know(key)
        if "date" not in request.headers or "x-acs-signature-nonce" not in request.headers:
            raise Refusal("IncompleteSignature", "date and x-acs-signature-nonce must be present.")
        # A client library may add a content type after signing when there is no body: then none was signed.
        content_type = request.headers.get("content-type", "") if request.body else ""
        text = _string_to_sign_v2(request, content_type)
        wanted = base64.b64encode(hmac.new(self._secret_bytes(), text.encode(), hashlib.sha1).digest()).decode()
        _same(wanted, signature)
        return _http_date(request.headers["date"])

    def _know(self, key: str) -> None:
        if key != self._key:
            raise Refusal("InvalidAccessKeyId.NotFound", "Specified access key is not found.", status=404)

    def _secret_bytes(self) -> bytes:
        return self._secret.get_secret_value().encode()

    def _use_nonce(self, nonce: str, now: float) -> None:
        if nonce in self._nonces:
            raise Refusal("SignatureNonceUsed", "Specified signature nonce was used already.")
        while self._nonces and next(iter(self._nonces.values())) < now - 2 * _WINDOW:
            self._nonces.pop(next(iter(self._nonces)))
        self._nonces[nonce] = now


def _require_v3_headers(request: ReceivedRequest, signed: frozenset[str]) -> None:
    must = _MUST_BE_SIGNED | {name for name in request.headers if name.startswith("x-acs-")}
    if request.body and "content-type" in request.headers:
        must |= {"content-type"}
    missing = sorted((must - signed) | (signed - request.headers.keys()))
    if missing:
        raise Refusal("IncompleteSignature", f"These headers must be present and signed: {', '.join(missing)}.")


def _canonical_v3(request: ReceivedRequest, signed: list[str]) -> str:
    query = "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in sorted(request.query))
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in sorted(signed))
    names = ";".join(sorted(signed))
    payload = request.headers["x-acs-content-sha256"]
    return "\n".join((request.method, request.path, query, headers, names, payload))


def _string_to_sign_v2(request: ReceivedRequest, content_type: str) -> str:
    head = [request.method, request.headers.get("accept", ""), request.headers.get("content-md5", ""), content_type]
    lines = [*head, request.headers["date"]]
    lines += [f"{name}:{value}" for name, value in sorted(request.headers.items()) if name.startswith("x-acs-")]
    query = "&".join(f"{key}={value}" if value else key for key, value in sorted(request.query))
    return "\n".join((*lines, f"{request.path}?{query}" if query else request.path))


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _same(wanted: str, given: str) -> None:
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Refusal("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")


def _date(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise Refusal("InvalidTimeStamp.Format", "x-acs-date must be like 2026-01-02T03:04:05Z.") from error


def _http_date(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError as error:
        raise Refusal("InvalidTimeStamp.Format", "date must be a date of RFC 1123.") from error
