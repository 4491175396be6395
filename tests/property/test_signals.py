"""What holds for any samples: missing is never zero, rates are never negative, order does not matter."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, Signal, TargetStatus
from autoscaler.policy.signals.points import CounterPoints
from autoscaler.policy.signals.reduce import histogram_quantile, quantile
from autoscaler.policy.signals.region import RegionSignals, divide
from autoscaler.policy.signals.series import CounterTrack
from autoscaler.policy.signals.spec import SignalSpec
from autoscaler.policy.trust import read
from tests.property import policy_strategies as any_
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW, REGION

thorough = settings(deadline=None, max_examples=150)

WHOLE = RegionId("")
METRIC = "x_bucket"
QUERY = "load"
WINDOW = 60.0
PAGES: tuple[tuple[Mapping[str, str], ...], ...] = (
    ({},),
    ({"le": "1"}, {"le": "+Inf"}),
    ({"le": "1"}, {"le": "2"}, {"le": "+Inf"}),
    ({"le": "+Inf"}, {"le": "2"}, {"le": "1"}),
    ({"le": "2"}, {"le": "nonsense"}),
)
"""Pages share the objects of their series, as the sources do."""
counts = st.floats(0, 1e9) | st.integers(0, 5).map(float)
steps = st.sampled_from((15.0, 15.0, 15.0, 15.5, 0.0, 0.4, 61.0, 60.0, -10.0, -1000.0))

SCRAPES: tuple[Mapping[str, object], ...] = (
    *({"reduce": reduce} for reduce in ("sum", "avg", "min", "max", "count")),
    {"reduce": "quantile", "quantile": 0.3},
    {"matchLabels": {"le": "2"}},
    *({"function": "rate", "reduce": reduce} for reduce in ("sum", "avg", "min", "max", "count")),
    {"function": "increase", "reduce": "quantile", "quantile": 1.0},
    {"function": "rate", "matchLabels": {"le": "1"}},
    {"function": "rate", "reduce": "histogramQuantile", "quantile": 0.9},
)


@st.composite
def columns(draw: st.DrawFn, at: float, values: st.SearchStrategy[float]) -> Column:
    series = draw(st.sampled_from(PAGES))
    stated = [draw(values) for _ in series]
    return Column(series, stated, draw(st.just(at) | st.tuples(*(st.sampled_from((at, at - 7)) for _ in series))))


@st.composite
def statuses(draw: st.DrawFn, name: str, at: float, values: st.SearchStrategy[float]) -> TargetStatus:
    if draw(st.integers(0, 4)) == 0:
        return builders.down(name, reason=draw(st.sampled_from((Reason.TIMED_OUT, Reason.DNS_FAILED))))
    stated = {METRIC: draw(columns(at, values))} if draw(st.integers(0, 4)) else {}
    return builders.up(name, columns=stated)


@st.composite
def passes(
    draw: st.DrawFn, values: st.SearchStrategy[float] = counts, most: int = 4
) -> list[tuple[float, list[TargetStatus]]]:
    """What up to three targets of one region said, pass after pass."""
    at, found = NOW, []
    for _ in range(draw(st.integers(1, most))):
        names = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
        found.append((at, [draw(statuses(name, at, values)) for name in names]))
        at += draw(steps)
    return found


@st.composite
def specs(draw: st.DrawFn) -> SignalSpec:
    scrape = {"job": "edge", "metric": METRIC, **draw(st.sampled_from(SCRAPES))}
    return SignalSpec.model_validate({"name": "rps", "scrape": scrape, "absent": draw(st.sampled_from(ABSENT))})


ABSENT = ("missing", "zero")


def signals_of(spec: SignalSpec, heard: Sequence[tuple[float, Sequence[TargetStatus]]]) -> list[Signal]:
    """The signal after each pass."""
    one, found = RegionSignals(REGION, (spec,)), []
    for at, targets in heard:
        one.read("edge", builders.said(*targets, at=at))
        found.append(one.signals["rps"])
    return found


def same(one: Signal, two: Signal) -> bool:
    """Equal, where NaN is equal to itself."""
    if one.value is not None and two.value is not None and math.isnan(one.value) and math.isnan(two.value):
        return one._replace(value=None) == two._replace(value=None)
    return one == two


def stated(targets: Sequence[TargetStatus]) -> list[float]:
    """Everything that targets which answered said about the metric."""
    return [value for one in targets if one.up and METRIC in one.columns for value in one.columns[METRIC].values]


@thorough
@given(spec=specs(), heard=passes(st.floats(1, 1e9) | st.sampled_from((math.nan, math.inf, -math.inf))))
def test_no_path_makes_a_missing_value_zero(spec: SignalSpec, heard: list[tuple[float, list[TargetStatus]]]) -> None:
    """Gauges here are at least 1: a zero is only ever stated, or the growth of a counter that stood still."""
    assert spec.scrape is not None
    for (_, targets), signal in zip(heard, signals_of(spec, heard), strict=True):
        assert signal.targets_up <= signal.targets_total == len(targets)
        assert (signal.value is None) == (signal.at is None)
        if not stated(targets):
            stated_zero = signal.reason is Reason.ABSENT_IS_ZERO
            assert signal.value == (0.0 if stated_zero else None)
            assert not stated_zero or (spec.absent == "zero" and signal.coverage >= spec.min_coverage)
            assert stated_zero or signal.reason is not Reason.UP
        elif signal.value == 0 and spec.scrape.function == "last":
            assert signal.reason is Reason.ABSENT_IS_ZERO
        if signal.reason is Reason.ABSENT_IS_ZERO:
            assert any(target.up for target in targets)


@thorough
@given(spec=specs(), heard=passes(any_.any_floats))
def test_what_is_read_is_a_finite_number_or_nothing(
    spec: SignalSpec, heard: list[tuple[float, list[TargetStatus]]]
) -> None:
    for signal in signals_of(spec, heard):
        reading = read(signal, max_age=1e6, min_coverage=0.0, now=NOW)
        assert reading.value is None or math.isfinite(reading.value)
        assert (reading.value is None) == (reading.reason is not Reason.UP)


@thorough
@given(
    answered=st.lists(st.none() | any_.any_floats, max_size=3),
    whole=st.sampled_from((None, True, False)),
    absent=st.sampled_from(ABSENT),
    reduce=st.sampled_from((None, "sum", "max")),
)
def test_an_answer_that_is_not_there_is_no_zero_either(
    answered: list[float | None], whole: bool | None, absent: str, reduce: str | None
) -> None:
    written = {"promql": {"server": "main", "query": QUERY, "reduce": reduce}, "absent": absent}
    own = [
        builders.down(QUERY) if value is None else builders.stating(value, target=QUERY, metric=QUERY)
        for value in answered
    ]
    says = {None: [], True: [builders.up(QUERY, WHOLE)], False: [builders.down(QUERY, WHOLE)]}[whole]
    signal = builders.measured(written, builders.said(*own, *says))
    if all(value is None for value in answered):
        zero = absent == "zero" and whole is True and not answered
        assert signal.value == (0.0 if zero else None)


@thorough
@given(of=any_.signals("of", any_.any_floats | any_.loads), to=any_.signals("to", any_.any_floats | any_.loads))
def test_a_ratio_is_zero_only_where_the_dividend_is(of: Signal, to: Signal) -> None:
    one = divide("share", of, to)
    tiny = of.value is not None and to.value is not None and to.value != 0 and abs(of.value) < abs(to.value) * 1e-300
    if one.value == 0 and not tiny:
        assert of.value == 0
    if of.value is None or to.value is None or to.value == 0:
        assert one.value is None


@thorough
@given(spec=specs(), heard=passes(any_.any_floats | counts), data=st.data())
def test_the_order_of_targets_does_not_matter(
    spec: SignalSpec, heard: list[tuple[float, list[TargetStatus]]], data: st.DataObject
) -> None:
    turned = [(at, data.draw(st.permutations(targets))) for at, targets in heard]
    for one, two in zip(signals_of(spec, heard), signals_of(spec, turned), strict=True):
        assert same(one, two)


@thorough
@given(spec=specs(), heard=passes(any_.any_floats | counts))
def test_equal_waves_give_equal_signals_whatever_objects_they_are_made_of(
    spec: SignalSpec, heard: list[tuple[float, list[TargetStatus]]]
) -> None:
    """What is kept by the identity of series is only ever a shortcut."""
    copied = [(at, [replace(one, columns=_copies(one.columns)) for one in targets]) for at, targets in heard]
    for one, two in zip(signals_of(spec, heard), signals_of(spec, copied), strict=True):
        assert same(_rounded(one), _rounded(two))


def _copies(stated: Mapping[str, Column]) -> dict[str, Column]:
    return {
        metric: Column(tuple(dict(labels) for labels in one.series), list(one.values), one.at)
        for metric, one in stated.items()
    }


def _rounded(signal: Signal) -> Signal:
    """A sum over a target's series may be the difference of two sums, or the sum of differences."""
    if signal.value is None or not math.isfinite(signal.value):
        return signal
    return signal._replace(value=round(signal.value, 5))


@thorough
@given(
    scrape=st.sampled_from([one for one in SCRAPES if one.get("function") is None and one.get("reduce") != "count"]),
    values=st.lists(st.tuples(any_.finite, any_.finite), min_size=1, max_size=5),
)
def test_more_load_never_gives_less(scrape: Mapping[str, object], values: list[tuple[float, float]]) -> None:
    written = {"scrape": {"job": "edge", "metric": METRIC, **scrape, "matchLabels": {}}}
    less, more = (
        builders.measured(written, builders.said(builders.stating(*side, metric=METRIC))).value
        for side in zip(*((min(pair), max(pair)) for pair in values), strict=True)
    )
    assert less is not None
    assert more is not None
    assume(math.isfinite(less) and math.isfinite(more))
    assert less <= more or math.isclose(less, more, rel_tol=1e-12)


@thorough
@given(values=st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=5), data=st.data())
def test_a_counter_that_grew_more_never_has_the_lower_rate(
    values: list[tuple[float, float]], data: st.DataObject
) -> None:
    series = tuple({"n": str(number)} for number in range(len(values)))
    found = []
    for side in (min, max):
        track = CounterTrack(WINDOW)
        track.take(series, [0.0] * len(values), NOW)
        track.take(series, [side(pair) for pair in values], NOW + 15)
        assert track.grown == len(values)
        found.append(track.total(per_second=True))
    assert 0 <= found[0] <= found[1]


samples = st.lists(st.tuples(steps, st.lists(counts, min_size=3, max_size=3)), min_size=1, max_size=12)


def oracle(points: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Growth and rate of one series by restart arithmetic, the slow way: every rule one after the other."""
    kept: list[tuple[float, float]] = []
    for at, value in points:
        if kept and at == kept[-1][0]:
            continue
        if kept and not 0 < at - kept[-1][0] <= WINDOW:
            kept = []
        kept.append((at, value))
    if not kept:
        return None
    inside = [index for index, (at, _) in enumerate(kept) if at >= kept[-1][0] - WINDOW]
    first = inside[0]
    if len(inside) < 2:
        return None
    growth = 0.0
    for (_, before), (_, after) in pairwise(kept[first:]):
        growth += after - before if after >= before else after
    return growth, growth / (kept[-1][0] - kept[first][0])


def _dense(times: Sequence[float]) -> bool:
    """Samples so close together that only some are kept: the oldest in the window may be another one."""
    return any(0 < abs(two - one) < WINDOW / 30 for one, two in pairwise(times))


@thorough
@given(steps_and_values=samples, per_second=st.booleans())
def test_resets_equal_restart_arithmetic_and_no_rate_is_negative(
    steps_and_values: list[tuple[float, list[float]]], per_second: bool
) -> None:
    at, track, said = NOW, CounterTrack(WINDOW), list[tuple[float, list[float]]]()
    series = PAGES[2]
    for step, values in steps_and_values:
        at += step
        said.append((at, values))
        track.take(series, values, at)
    found, together = track.each(per_second=per_second), track.total(per_second=per_second)
    right = [oracle([(at, values[index]) for at, values in said]) for index in range(3)]
    assert len(found) == track.grown == (0 if right[0] is None else 3)
    assert all(value >= 0 for value in (*found, together))
    assert together == pytest.approx(math.fsum(found), rel=1e-6, abs=1e-3)
    if not _dense([at for at, _ in said]):
        expected = [one[1 if per_second else 0] for one in right if one is not None]
        assert list(found) == pytest.approx(expected, rel=1e-6, abs=1e-3)


@thorough
@given(heard=st.lists(st.tuples(steps, columns(NOW, counts | any_.any_floats)), min_size=1, max_size=10))
def test_the_way_of_rows_and_that_of_single_series_agree(heard: list[tuple[float, Column]]) -> None:
    """A track that sees whole columns, against each series followed by itself from the first sample."""
    track, alone, at = CounterTrack(WINDOW), dict[frozenset[tuple[str, str]], CounterPoints](), NOW
    asked = -math.inf
    for step, one in heard:
        at += step
        if isinstance(one.at, float):
            if at < asked:  # the clock was set back: all begins anew
                alone = {}
            asked = at
        times = [at] * len(one.values) if isinstance(one.at, float) else [at + own - NOW for own in one.at]
        track.take(one.series, one.values, at if isinstance(one.at, float) else times)
        keys = [frozenset(labels.items()) for labels in one.series]
        alone = {key: alone.get(key) or CounterPoints(WINDOW) for key in keys}
        for key, time, value in zip(keys, times, one.values, strict=True):
            alone[key].add(time, value)
        found = track.each(per_second=True)
        expected = [grown for key in keys if (grown := alone[key].growth(per_second=True)) is not None]
        assert list(found) == pytest.approx(expected, nan_ok=True, rel=1e-6, abs=1e-3)
        assert track.grown == len(expected)
        assert track.at == min((alone[key].at for key in keys if alone[key].grown), default=math.inf)
        assert [keys[index] for index in track.indexes()] == [key for key in keys if alone[key].grown]


shares = st.floats(0, 1)


@thorough
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), pair=st.tuples(shares, shares))
def test_a_quantile_lies_within_its_values_and_rises_with_its_share(
    values: list[float], pair: tuple[float, float]
) -> None:
    low, high = (quantile(share, values) for share in sorted(pair))
    assert min(values) - 1e-6 <= low <= high + 1e-6 <= max(values) + 2e-6


@st.composite
def histograms(draw: st.DrawFn) -> dict[float, float]:
    bounds = draw(st.lists(st.floats(-10, 1e6), min_size=1, max_size=6, unique=True))
    found = {bound: draw(st.integers(0, 50)) for bound in (*bounds, math.inf)}
    return {bound: float(count) for bound, count in found.items()}


def slow_quantile(share: float, buckets: Mapping[float, float]) -> float:
    """Every observation laid out in a row, counts made to rise first."""
    rising: list[tuple[float, float]] = []
    for bound in sorted(buckets):
        rising.append((bound, max(buckets[bound], rising[-1][1] if rising else 0.0)))
    rank = share * rising[-1][1]
    start, before = 0.0, 0.0
    for place, (bound, count) in enumerate(rising):
        if count >= rank:
            if bound == math.inf:
                return start
            if place == 0 and bound <= 0:
                return bound
            return start + (bound - start) * (rank - before) / (count - before)
        start, before = bound, count
    raise AssertionError("the last bucket has every observation")


@thorough
@given(buckets=histograms(), pair=st.tuples(st.floats(0.001, 1), st.floats(0.001, 1)))
def test_a_histograms_quantile_agrees_with_the_slow_way_and_rises_with_its_share(
    buckets: dict[float, float], pair: tuple[float, float]
) -> None:
    found = [histogram_quantile(share, buckets) for share in sorted(pair)]
    if max(buckets.values()) == 0:
        assert [why for _, why in found] == [Reason.NO_OBSERVATIONS] * 2
        return
    (low, why), (high, _) = found
    assert why is Reason.UP
    assert low <= high or math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-9)
    assert low == pytest.approx(slow_quantile(min(pair), buckets), rel=1e-9, abs=1e-9)


@thorough
@given(spec=specs(), heard=passes(counts), data=st.data())
def test_a_targets_silence_never_changes_what_another_one_says(
    spec: SignalSpec, heard: list[tuple[float, list[TargetStatus]]], data: st.DataObject
) -> None:
    """A silent target lowers the coverage, and nothing else."""
    quiet = [(at, [*targets, builders.down("silent")]) for at, targets in heard]
    for one, two in zip(signals_of(spec, heard), signals_of(spec, quiet), strict=True):
        if one.value is not None and two.value is not None:
            assert (one.value, one.at, one.targets_up) == (two.value, two.at, two.targets_up)
        else:
            assert two.value is None
