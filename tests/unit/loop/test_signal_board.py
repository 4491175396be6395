"""The signal board: the newest word of every source about every region, and what it leaves to grow old."""

from autoscaler.loop.signals import WHOLE, SignalBoard
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Wave
from autoscaler.policy.language import ScalingPolicy
from tests.unit.loop.test_loop import A, B
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW, down, stating, up, wave

QUERY = "sum by (region) (load)"
SERVED = builders.policy()


def board(policy: ScalingPolicy = SERVED) -> SignalBoard:
    """A board of regions A and B."""
    return SignalBoard({A: policy, B: policy})


def queried(absent: str = "missing") -> ScalingPolicy:
    return builders.policy(signals=[{"name": "rps", "promql": {"server": "main", "query": QUERY}, "absent": absent}])


def answered(value: float, region: str = A) -> Wave:
    known = stating(value, target=QUERY, metric=QUERY, region=RegionId(region))
    return wave(up(QUERY, WHOLE), known, source="main")


def test_a_region_that_a_source_no_longer_knows_is_still_woken_and_has_no_value() -> None:
    one = board()
    one.post(wave(stating(5, region=A)))
    assert one.post(wave(up(region=B))) == {A, B}
    assert one.signals(SERVED, A)["rps"].value is None
    assert one.signals(SERVED, A)["rps"].reason is Reason.NO_TARGETS


def test_a_wave_over_some_regions_replaces_only_what_was_said_of_these() -> None:
    one = board()
    one.post(wave(stating(5, region=A), stating(7, region=B, at=NOW)))
    assert one.post(wave(stating(6, region=A, at=NOW + 15), at=NOW + 15, regions=[A])) == {A}
    assert (one.signals(SERVED, A)["rps"].value, one.signals(SERVED, A)["rps"].at) == (6, NOW + 15)
    assert (one.signals(SERVED, B)["rps"].value, one.signals(SERVED, B)["rps"].at) == (7, NOW)


def test_a_region_that_is_covered_and_has_no_target_has_lost_its_last_one() -> None:
    one = board()
    one.post(wave(stating(5, region=A)))
    assert one.post(wave(regions=[A])) == {A}
    assert (one.signals(SERVED, A)["rps"].value, one.signals(SERVED, A)["rps"].targets_total) == (None, 0)


def test_a_source_that_has_not_answered_is_absent_and_one_that_stopped_grows_old() -> None:
    one = board()
    assert one.signals(SERVED, A) == {}
    one.post(wave(stating(5, region=A)))
    for _ in range(3):
        one.post(wave(up(region=A), source="other"))
    signal = one.signals(SERVED, A)["rps"]
    assert (signal.value, signal.age(NOW + 300)) == (5, 300)


def test_rates_are_made_from_wave_to_wave_of_their_region() -> None:
    rate = {"name": "rps", "scrape": {"job": "edge", "metric": "rps_value", "function": "rate"}}
    policy = builders.policy(signals=[rate])
    one = board(policy)
    one.post(wave(stating(0, region=A, at=NOW), stating(0, region=B, at=NOW)))
    one.post(wave(stating(30, region=A, at=NOW + 15), regions=[A]))
    one.post(wave(stating(30, region=B, at=NOW + 30), regions=[B]))
    assert [one.signals(policy, region)["rps"].value for region in (A, B)] == [2.0, 1.0]


def test_a_query_that_fails_is_missing_in_every_region_that_reads_it() -> None:
    policy = queried()
    one = board(policy)
    one.post(answered(7))
    assert one.post(wave(down(QUERY, WHOLE, Reason.BAD_STATUS, "503"), source="main")) == {A, B}
    for region in (A, B):
        signal = one.signals(policy, region)["rps"]
        assert (signal.value, signal.reason, signal.detail) == (None, Reason.BAD_STATUS, "BadStatus: 503")


def test_an_answer_without_the_region_is_zero_only_where_that_is_stated() -> None:
    for absent, value in (("missing", None), ("zero", 0.0)):
        policy = queried(absent)
        one = board(policy)
        one.post(answered(7))
        assert one.signals(policy, A)["rps"].value == 7
        assert one.signals(policy, B)["rps"].value == value


def test_what_a_source_says_as_a_whole_holds_for_its_later_waves_over_some_regions() -> None:
    alert = {"name": "rps", "alert": {"receiver": "pager", "alertname": "Saturated"}, "absent": "zero"}
    policy = builders.policy(signals=[alert])
    one = board(policy)
    one.post(wave(up("pager", WHOLE), stating(1, metric="Saturated", region=A), source="pager"))
    assert [one.signals(policy, region)["rps"].value for region in (A, B)] == [1.0, 0.0]
    one.post(wave(source="pager", regions=[A]))
    assert one.signals(policy, A)["rps"].value == 0.0
    one.post(wave(down("pager", WHOLE), source="pager"))
    assert one.signals(policy, A)["rps"].value is None


def test_signals_of_another_policy_than_the_board_follows_are_absent() -> None:
    one = board()
    one.post(wave(stating(5, region=A)))
    assert one.signals(builders.policy(), A) == {}
    assert one.signals(SERVED, RegionId("cn-elsewhere")) == {}


def test_a_region_without_a_policy_is_no_trouble() -> None:
    one = SignalBoard({A: SERVED})
    assert one.post(wave(stating(5, region=A), stating(5, region=B))) == {A, B}
    assert one.post(wave(stating(5, region=B), regions=[B])) == {B}
