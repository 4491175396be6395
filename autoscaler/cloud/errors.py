"""What an unsuccessful answer means: one table from the API's error codes to the reaction they call for.

Status, headers and body of an answer come in, a CloudError goes out. Pure. When in doubt about a purchase the answer
is OutcomeUnknown: only what proves that nothing was executed may be sent again.
Source: vendor error pages of CS, ENS and the API gateway; "4xx with a parsed code" is the proof of non-execution.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from autoscaler.cloud.body import Unreadable, integer_of, read_fields, text_of
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

TABLE: Mapping[str, type[CloudError]] = {
    # Throttling: refused before execution.
    "Throttling": Throttled,
    "Rejected.Throttling": Throttled,
    # The cluster is scaling or updating: the same request is fine later. A busy pool has no documented code of its own.
    "ErrorClusterState": Busy,
    # Stock. The second and third are the spellings of ECS and ESS.
    "StockNotEnough": OutOfStock,
    "OperationDenied.NoStock": OutOfStock,
    "NoInstanceStock": OutOfStock,
    # Quotas and money.
    "QuotaExceeded": QuotaExceeded,
    "QuotaExceed": QuotaExceeded,
    "ErrorQuotaExceed": QuotaExceeded,
    "ErrorQuotaExceeded": QuotaExceeded,
    "InsufficientBalance": BalanceExhausted,
    # Permissions, credentials, signatures.
    "ErrorCheckAcl": Forbidden,
    "Forbidden": Forbidden,
    "StatusForbidden": Forbidden,
    "NoPermission": Forbidden,
    "SignatureDoesNotMatch": Forbidden,
    "IncompleteSignature": Forbidden,
    "InvalidAccessKeyId": Forbidden,
    "InvalidSecurityToken": Forbidden,
    "InvalidTimeStamp": Forbidden,
    # Our nonces are never used twice, so somebody between us and the API sent the request twice: it may have run.
    "SignatureNonceUsed": OutcomeUnknown,
    # A 4xx that is a server fault inside ENS.
    "CallInterface": OutcomeUnknown,
    "ens.interface.error": OutcomeUnknown,
    "ServiceUnavailable": OutcomeUnknown,
    "InternalError": OutcomeUnknown,
    # Objects that are not there.
    "ErrorClusterNotFound": NotFound,
    "ErrorNodePoolNotFound": NotFound,
    "ErrorClusterNodePoolNotFound": NotFound,
    "InstanceIdNotFound": NotFound,
    "InstanceNotFound": NotFound,
    # The request is wrong.
    "InvalidParameter": Rejected,
    "MissingParameter": Rejected,
}
"""Code, or the family before its dots (`Throttling` covers `Throttling.User`), to reaction. Compared without case."""

_TABLE = {code.lower(): reaction for code, reaction in TABLE.items()}
_REFUSED_BY_STATUS: Mapping[int, type[CloudError]] = {401: Forbidden, 403: Forbidden, 429: Throttled}
_THROTTLING_5XX = 503
_GAVE_UP_WAITING = frozenset({408, 499})
"""Somebody on the way stopped waiting for the answer: with no code that the table knows, the request may have run."""
_CODE = re.compile(r"[A-Za-z][\w.:-]{0,99}")
_LONGEST_WAIT = 120.0
"""Seconds; the SDK caps x-acs-retry-after at the same."""
_HINTS = {
    "invalidtimestamp": "the clock of this machine is off by more than 15 minutes, synchronise it",
    "signaturenonceused": "something between this machine and the API sends requests twice",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What the answer says about the failure; `code` is empty where there is none that can be read."""

    code: str
    message: str
    request_id: str


def error_from(
    action: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    purchase: bool,
    secrets: Sequence[str] = (),
) -> CloudError:
    """The error for an answer that is no success. `headers` are looked up in lower case or without case.

    `secrets` are struck out of the answer's message; at most 300 characters of it are kept.
    """
    said = _read(headers, body)
    wait = retry_after(headers)
    reaction = _reaction(status, said.code, wait is not None, purchase)
    code = said.code or f"HTTP {status}"
    message = _message(said, secrets)
    if issubclass(reaction, Throttled):
        return reaction(action, code, message, retry_after=wait, status=status, request_id=said.request_id)
    return reaction(action, code, message, status=status, request_id=said.request_id)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from the header `x-acs-retry-after`, which is milliseconds; None where it says nothing usable."""
    milliseconds = integer_of(headers.get("x-acs-retry-after"))
    return min(milliseconds / 1000, _LONGEST_WAIT) if milliseconds and milliseconds > 0 else None


def request_id_of(headers: Mapping[str, str]) -> str:
    """The request id that the gateway puts into its headers; empty if it does not."""
    return text_of(headers.get("x-acs-request-id"))[:100]


def redact(text: str, secrets: Sequence[str]) -> str:
    """The text without the secrets, also as they look inside JSON or a URL."""
    for secret in secrets:
        for spelling in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret)}:
            text = text.replace(spelling, "***") if spelling else text
    return text


def _reaction(status: int, code: str, told_to_wait: bool, purchase: bool) -> type[CloudError]:
    known = known_reaction(code)
    if status >= 500:
        return _server_fault(status, known, told_to_wait, purchase)
    if status < 300:
        # A failure inside a success: nobody documents what of the request was executed.
        return OutcomeUnknown if purchase else known or OutcomeUnknown
    if status < 400:
        return OutcomeUnknown if purchase else Rejected
    return _refusal(status, code, known, told_to_wait, purchase)


def _server_fault(status: int, known: type[CloudError] | None, told_to_wait: bool, purchase: bool) -> type[CloudError]:
    """The reaction to a 5xx. Of all of them only a throttling code in a 503 is documented to mean "not executed"."""
    if known is Throttled and (status == _THROTTLING_5XX or not purchase):
        return Throttled
    return Throttled if told_to_wait and not purchase else OutcomeUnknown


def _refusal(
    status: int, code: str, known: type[CloudError] | None, told_to_wait: bool, purchase: bool
) -> type[CloudError]:
    """The reaction to a 4xx. Without a code that can be read it proves nothing, but for the refusals by status."""
    if known is NotFound or (known is None and status == 404 and code):
        return Rejected if purchase else NotFound
    if known is not None:
        return known
    if status in _REFUSED_BY_STATUS:
        return _REFUSED_BY_STATUS[status]
    if purchase and (not code or status in _GAVE_UP_WAITING):
        return OutcomeUnknown
    if not code:
        return Rejected
    return Throttled if told_to_wait or code.lower().startswith("throttling") else Rejected


def known_reaction(code: str) -> type[CloudError] | None:
    """The table's answer for a code or the nearest family that it belongs to; None if the table knows neither."""
    name = code.lower()
    while name:
        if name in _TABLE:
            return _TABLE[name]
        name = name.rpartition(".")[0]
    return None


def _read(headers: Mapping[str, str], body: bytes) -> _Said:
    request_id = request_id_of(headers)
    try:
        fields = read_fields(body)
    except Unreadable as error:
        return _Said("", f"{error} ({len(body)} bytes)" if body else "the answer is empty", request_id)
    code = _either(fields, "Code", "code")
    readable = code if _CODE.fullmatch(code) else ""
    message = _either(fields, "Message", "message")
    if code and not readable:
        message = f"code {code[:40]}: {message}"
    found = _either(fields, "RequestId", "requestId", "request_id")
    return _Said(readable, message, found[:100] or request_id)


def _either(fields: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def _message(said: _Said, secrets: Sequence[str]) -> str:
    hint = _HINTS.get(said.code.lower().partition(".")[0], "")
    if said.code and known_reaction(said.code) is None:
        hint = "this error code is not in the table of cloud/errors.py"
    text = redact(said.message, secrets)[:300]
    return f"{hint}: {text}" if hint and text else hint or text
