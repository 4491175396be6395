"""After the API refused the account nothing is ordered, and then one order at a time."""

import pytest

from autoscaler.model.decision import FleetFacts, GuardStep, Stop
from autoscaler.model.names import FREE, RegionId
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.guards.account import guard
from tests.unit.policy.builders import NOW
from tests.unit.policy.situations import situation


def stopped(ago: float) -> FleetFacts:
    return FleetFacts(stop=Stop(Reason.BALANCE_EXHAUSTED, NOW - ago, "InvalidAccountStatus.NotEnoughBalance"))


def test_a_refused_account_stops_every_region_and_says_why_and_what_to_do() -> None:
    step = guard(situation(3, fleet=stopped(100), brakes=Brakes(account_stop_seconds=900)), 5)
    message = (
        "the API refused the account (BalanceExhausted: InvalidAccountStatus.NotEnoughBalance); next try in 800 s, "
        "or after: autoscaler release '*' --reason ..."
    )
    assert step == GuardStep("account", 5, 3, Reason.ACCOUNT_STOPPED, message)


@pytest.mark.parametrize(("ago", "held"), [(899.5, True), (900, False), (5000, False)])
def test_the_stop_ends_on_its_last_second(ago: float, held: bool) -> None:
    assert (guard(situation(3, fleet=stopped(ago)), 5) is not None) is held


def test_when_its_time_is_over_only_the_first_region_of_a_plan_tries_again() -> None:
    basket = Basket()
    assert guard(situation(3, fleet=stopped(900), basket=basket), 5) is None
    basket.add(RegionId("cn-first"), FREE)
    step = guard(situation(3, fleet=stopped(900), basket=basket), 5)
    assert step is not None
    assert step.message.endswith("one order at a time tries again, and that is the one of cn-first")


def test_an_account_that_is_not_refused_stops_nothing() -> None:
    basket = Basket()
    basket.add(RegionId("cn-first"), FREE)
    assert guard(situation(3, basket=basket), 5) is None
    assert guard(situation(3, fleet=stopped(1)), 3) is None
