"""How far back a server looks for the newest sample of a series, and how to bound that by the age that is of use.

What a server says of itself and a query come in; the parameters of the request go out. An instant query answers with
the moment of its evaluation and not with the samples' own times, so that only the server can leave old samples out:

- Prometheus since 2.43, Thanos and Mimir take `lookback_delta` (seconds), VictoriaMetrics takes `max_lookback`.
- Prometheus before 2.43 takes neither, and looks back as far as its `--query.lookback-delta` (L). Asked for the moment
  now + L - bound, its window (moment - L, moment] holds just the samples newer than now - bound. That is sound where
  nothing in the query but its instant selectors depends on the moment: no range, offset, `@` or function of time.

Source: Prometheus documentation, "HTTP API" and "Staleness"; its changelog, 2.43.0; Thanos pkg/api/query;
VictoriaMetrics documentation, "Prometheus querying API enhancements". Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autoscaler.settings.base import duration, parse_duration
from autoscaler.sources.http import OK, Answer

DEFAULT_LOOKBACK = 300.0
"""Seconds that Prometheus looks back where it is not told otherwise."""
_OLD_MAJOR, _FIRST_TO_TAKE_IT = 2, 43
_TEXT = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""", re.DOTALL)
_MOMENT_MATTERS = re.compile(
    r"[\[@]|\b(?:offset|time|minute|hour|day_of_week|day_of_month|day_of_year|days_in_month|month|year|timestamp)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """The parameters that bound an instant query; `ahead` is how many seconds its moment is after now."""

    form: Mapping[str, str]
    ahead: float = 0.0
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Obedient:
    """A server that looks back no further than it is told."""

    def bound(self, query: str, seconds: float, now: float) -> Bound:  # noqa: ARG002  # as OldPrometheus
        """The parameters for a query whose samples may be `seconds` old."""
        return Bound({"lookback_delta": f"{seconds:.3f}", "max_lookback": f"{seconds:.3f}"})


@dataclass(frozen=True, slots=True)
class OldPrometheus:
    """A Prometheus that looks back `own` seconds whatever it is told."""

    version: str
    own: float

    def bound(self, query: str, seconds: float, now: float) -> Bound:
        """The parameters for a query whose samples may be `seconds` old; `now` is Unix seconds."""
        if self.own <= seconds:
            return Bound({})
        if moment_matters(query):
            looks = f"its instant selectors look back {duration(self.own)} and not {duration(seconds)}"
            return Bound({}, remark=f"{looks}: Prometheus {self.version} takes no lookback_delta")
        ahead = self.own - seconds
        return Bound({"time": f"{now + ahead:.3f}"}, ahead)


Lookback = Obedient | OldPrometheus


def moment_matters(query: str) -> bool:
    """Whether a query may give something else for another moment although every selector finds the same samples.

    >>> moment_matters('sum by (region) (load{job="edge[1]"})'), moment_matters("rate(load[5m])")
    (False, True)
    """
    return _MOMENT_MATTERS.search(_TEXT.sub(" ", query)) is not None


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Build(_Lenient):
    version: str
    go_version: str = Field(alias="goVersion")
    application: str = ""


class _BuildAnswer(_Lenient):
    data: _Build


class _Flags(_Lenient):
    lookback: str = Field(alias="query.lookback-delta")


class _FlagsAnswer(_Lenient):
    data: _Flags


def old_version(buildinfo: Answer) -> str | None:
    """The version of a Prometheus that does not take `lookback_delta`; None of any other server.

    VictoriaMetrics says that it is a Prometheus 2.24, but names no Go version; Mimir names itself; Thanos is at 0.
    """
    if buildinfo.status != OK:
        return None
    try:
        build = _BuildAnswer.model_validate_json(buildinfo.body).data
    except ValidationError:
        return None
    numbers = re.match(rf"{_OLD_MAJOR}\.(\d+)\.", build.version)
    if build.application or numbers is None or int(numbers[1]) >= _FIRST_TO_TAKE_IT:
        return None
    return build.version


def own_lookback(flags: Answer) -> float:
    """Seconds that a server looks back by itself, as its flags say; Prometheus' default where they can not be read."""
    if flags.status != OK:
        return DEFAULT_LOOKBACK
    try:
        found = parse_duration(_FlagsAnswer.model_validate_json(flags.body).data.lookback)
    except ValueError:
        return DEFAULT_LOOKBACK
    return found if isinstance(found, float) and found > 0 else DEFAULT_LOOKBACK
