"""gzip, inflated no further than a bound. Pure.

Bytes come in, bytes go out; a bomb ends at the bound, whatever its header claims.
"""

from isal import igzip_lib, isal_zlib

from autoscaler.model.reason import Reason
from autoscaler.sources.http.contract import ERROR_BODY, OK, FetchFailed

_BROKEN: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # declared as if it were an instance
_GZIP = 31
"""zlib's `wbits` for the gzip format, checksum included."""
_MEMBERS = 16
"""Members of one stream (RFC 1952): servers send one, and thousands of empty ones would cost time."""
_SLACK = 1024
"""Bytes that gzip may add to what can not be compressed, beside a sixty-fourth of it."""


def wire_limit(coding: str, body_limit: int) -> int:
    """Bytes of a body as sent beyond which its uncompressed form is larger than the limit."""
    return body_limit if is_identity(coding) else body_limit + body_limit // 64 + _SLACK


def is_identity(coding: str) -> bool:
    """Whether the body is sent as it is."""
    return coding in {"", "identity"}


def decoded(body: bytes, coding: str, body_limit: int, status: int) -> bytes:
    """The body without its Content-Encoding; `coding` in lower case.

    Of an answer that is no success it is the beginning, as far as it can be read. Raises FetchFailed: TOO_LARGE, or
    UNPARSABLE if it is not gzip, is cut short, or has an encoding that was not asked for.
    """
    if status != OK:
        return _beginning(body, coding)
    if is_identity(coding):
        if len(body) > body_limit:
            raise too_large(body_limit)
        return body
    if coding not in {"gzip", "x-gzip"}:
        raise FetchFailed(Reason.UNPARSABLE, f"Content-Encoding {coding[:40]!r} was not asked for; gzip or none was")
    return _gunzip(body, body_limit)


def too_large(body_limit: int) -> FetchFailed:
    """What is said of a body that is longer than the limit."""
    return FetchFailed(Reason.TOO_LARGE, f"the uncompressed body is larger than {body_limit} bytes")


def _gunzip(body: bytes, limit: int) -> bytes:
    if not body:
        return body
    parts, size = [], 0
    for _ in range(_MEMBERS):
        part, body = _member(body, limit - size)
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        if not body:
            return b"".join(parts) if len(parts) > 1 else part
    raise FetchFailed(Reason.UNPARSABLE, f"the gzip stream has more than {_MEMBERS} members")


def _member(body: bytes, limit: int) -> tuple[bytes, bytes]:
    """At most `limit` + 1 bytes of the first member, and what follows it."""
    member = isal_zlib.decompressobj(_GZIP)
    # The size that the stream ends with spares growing the buffer: right or not, it only bounds the first step.
    claimed = int.from_bytes(body[-4:], "little")
    try:
        part = member.decompress(body, min(claimed, limit) + 1)
        if not member.eof and len(part) <= limit and member.unconsumed_tail:
            part += member.decompress(member.unconsumed_tail, limit + 1 - len(part))
    except _BROKEN as error:
        raise FetchFailed(Reason.UNPARSABLE, f"the body is not the gzip that it claims to be: {error}") from None
    if not member.eof and len(part) <= limit:
        raise FetchFailed(Reason.UNPARSABLE, "the gzip stream is cut short")
    return part, member.unused_data


def _beginning(body: bytes, coding: str) -> bytes:
    if is_identity(coding):
        return body[:ERROR_BODY]
    try:
        return isal_zlib.decompressobj(_GZIP).decompress(body, ERROR_BODY)
    except _BROKEN:
        return b""
