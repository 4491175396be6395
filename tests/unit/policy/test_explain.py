"""The words of a decision, whole: what operators read must not change by accident."""

from dataclasses import replace

from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.decide import decide
from autoscaler.policy.explain import explain, summary
from tests.unit.policy import builders

TWO_SIGNALS = builders.policy(
    maxNodes=8,
    signals=[builders.signal_spec(), builders.signal_spec("cpu")],
    rules=[builders.rule(), builders.rule("Utilization", 60, signal="cpu")],
)


WHY = "no rule has data to act on, hold at 0 (SignalMissing: its source has not answered yet)"


def test_every_signal_vote_and_guard_step_is_told_in_order() -> None:
    ordered = builders.order(OrderState.IN_DOUBT, 2)
    signals = [builders.signal(1430), builders.signal(None, name="cpu", up=0, detail="none of 4 targets answered")]
    there = builders.capacity(3, unready=1, failed=1)
    decision = builders.decided(TWO_SIGNALS, builders.region_facts(signals, there, [ordered]))
    assert list(explain(decision)) == [
        "region cn-beijing-cmcc-2, policy edge",
        "  capacity  3 ready, 0 joining, 1 unready, 1 failed; committed 7",
        "  signal    rps = 1430 (5.0 s old, 4/4 targets)",
        "  signal    cpu = missing (none of 4 targets answered; 0/4 targets)",
        "  vote      TargetTracking(rps) wants 15: AboveTarget: 1430 against 100 x 3 ready: ratio 4.77",
        "  vote      TargetTracking(cpu) abstains: SignalMissing: none of 4 targets answered",
        "  guard     bounds: 15 -> 8: AboveMaximum: maxNodes is 8",
        "  guard     unsettled: 8 -> 7: OrderUnsettled: order order-1 for 2 nodes is in_doubt",
        "  result    desired 7, order 0: OrderUnsettled",
    ]
    assert summary(decision) == (
        "cn-beijing-cmcc-2: ready 3, committed 7, desired 7: OrderUnsettled: order order-1 for 2 nodes is in_doubt"
    )


def test_what_was_remarked_of_a_value_is_told_beside_it() -> None:
    heard = builders.signal(0, detail="no series of rps: zero, as `absent` states")
    decision = builders.decided(builders.policy(), builders.region_facts([heard], builders.capacity(3)))
    assert "  signal    rps = 0 (5.0 s old, 4/4 targets; no series of rps: zero, as `absent` states)" in explain(
        decision
    )


def test_a_purchase_is_explained_by_the_winning_vote() -> None:
    signals = [builders.signal(430), builders.signal(90, name="cpu")]
    decision = builders.decided(TWO_SIGNALS, builders.region_facts(signals, builders.capacity(3)))
    assert summary(decision) == (
        "cn-beijing-cmcc-2: ready 3, committed 3, desired 5: AboveTarget: 430 against 100 x 3 ready: ratio 1.43"
    )
    assert list(explain(decision))[-2:] == [
        "  purchase  2 x ens.sn1.small by ScaleOutCluster, price unknown",
        "  result    desired 5, order 2: AboveTarget",
    ]


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    decision = builders.decided(builders.policy(), builders.region_facts())
    assert list(explain(decision)) == [
        "region cn-beijing-cmcc-2, policy edge",
        "  capacity  unknown; committed 0",
        "  vote      TargetTracking(rps) abstains: SignalMissing: its source has not answered yet",
        f"  guard     votes: 0 -> 0: AllVotesAbstain: {WHY}",
        "  result    desired 0, order 0: AllVotesAbstain",
    ]
    assert summary(decision) == (f"cn-beijing-cmcc-2: ready 0, committed 0, desired 0: AllVotesAbstain: {WHY}")


def test_a_purchase_tells_its_cost_and_the_step_that_made_the_number() -> None:
    offers = {builders.REGION: (builders.offer(price=12050), builders.offer(builders.LARGE, 20000))}
    out = builders.order(OrderState.FAILED, settled_ago=100, reason=Reason.OUT_OF_STOCK)
    in_force = replace(builders.policies(builders.policy(maxNodes=5)), offers=offers)
    (decision,) = decide(builders.facts(builders.busy(9, orders=[out])), in_force).decisions
    assert "  purchase  2 x ens.sn1.large by ScaleOutCluster, for 400.00" in list(explain(decision))
    assert summary(decision) == ("cn-beijing-cmcc-2: ready 3, committed 3, desired 5: AboveMaximum: maxNodes is 5")
