"""What Prometheus' query API answers, read. Pure.

Bytes come in; a vector of series goes out, or FetchFailed with the reason and the server's own words.
Source: Prometheus documentation, "HTTP API", "Format overview" and "Expression query result formats".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from autoscaler.model.reason import Reason
from autoscaler.sources.http import OK, Answer, FetchFailed

_SERVER_ERROR = 500
_ABOUT_THE_QUERY = ("PromQL warning:", "PromQL info:")
"""How Prometheus (2.48 and later) begins what it says about the query; every other warning is about missing series."""


class ServerFault(FetchFailed):
    """The server could not answer (5xx): another one may."""


@dataclass(frozen=True, slots=True)
class Series:
    """One element of an instant vector. `at` is Unix seconds: the moment the server evaluated the query for."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector, what the server remarked while it made it, and whether series of some store are not in it."""

    series: tuple[Series, ...]
    remarks: tuple[str, ...] = ()
    partial: bool = False


class _Lenient(BaseModel):
    """The server may say more than is read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Result(_Lenient):
    kind: str = Field(alias="resultType")
    result: Any


class _Envelope(_Lenient):
    status: Literal["success", "error"]
    data: _Result | None = None
    error_type: str = Field(default="", alias="errorType")
    error: str = ""
    warnings: tuple[str, ...] | None = None
    infos: tuple[str, ...] | None = None
    is_partial: bool = Field(default=False, alias="isPartial")


class _Element(_Lenient):
    metric: dict[str, str]
    value: tuple[FiniteFloat, str] | None = None  # a moment that is no number would never grow old


_ELEMENTS: TypeAdapter[tuple[_Element, ...]] = TypeAdapter(tuple[_Element, ...])


def read_answer(answer: Answer) -> Vector:
    """The vector in an answer to an instant query.

    Raises FetchFailed: BAD_STATUS or TIMED_OUT if the server refuses (ServerFault if it can not), UNPARSABLE if it does
    not speak the API, WRONG_RESULT if the query gives anything but an instant vector of numbers.
    """
    envelope = _envelope(answer)
    if answer.status != OK or envelope is None or envelope.status == "error":
        raise _refusal(answer, envelope)
    if envelope.data is None:
        raise FetchFailed(Reason.UNPARSABLE, "the answer has no data")
    if envelope.data.kind != "vector":
        raise FetchFailed(Reason.WRONG_RESULT, f"the query gives a {envelope.data.kind}, not an instant vector")
    try:
        elements = _ELEMENTS.validate_python(envelope.data.result)
        series = tuple(_series(element) for element in elements)
    except ValueError as error:  # pydantic's errors are ValueErrors too
        raise FetchFailed(Reason.UNPARSABLE, f"the result is no vector: {_first_line(error)}") from None
    return _vector(series, envelope)


def _vector(series: tuple[Series, ...], envelope: _Envelope) -> Vector:
    """Thanos and remote reads tell of missing series in `warnings`, VictoriaMetrics by `isPartial`."""
    warnings = envelope.warnings or ()
    partial = envelope.is_partial or any(not warning.startswith(_ABOUT_THE_QUERY) for warning in warnings)
    said = ("not every storage node answered",) if envelope.is_partial else ()
    return Vector(series, (*warnings, *said, *(envelope.infos or ())), partial)


def _envelope(answer: Answer) -> _Envelope | None:
    """The answer's frame; None if an answer that is no success anyway has none (a proxy's page, say)."""
    try:
        return _Envelope.model_validate_json(answer.body)
    except ValidationError as error:
        if answer.status != OK:
            return None
        raise FetchFailed(Reason.UNPARSABLE, f"no answer of the query API: {_first_line(error)}") from None


def _refusal(answer: Answer, envelope: _Envelope | None) -> FetchFailed:
    failed = ServerFault if answer.status >= _SERVER_ERROR else FetchFailed
    if envelope is None or envelope.status != "error":
        return failed(Reason.BAD_STATUS, answer.status_line)
    reason = Reason.TIMED_OUT if envelope.error_type == "timeout" else Reason.BAD_STATUS
    return failed(reason, f"{answer.status_line}: {envelope.error_type}: {envelope.error}")


def _series(element: _Element) -> Series:
    if element.value is None:
        raise FetchFailed(Reason.WRONG_RESULT, "the query gives native histograms, not numbers")
    at, value = element.value
    return Series(element.metric, float(value), at)


def _first_line(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": ")
    return str(error)
