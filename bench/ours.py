"""Our side: the one file that knows the product, and the only one to change when its constructors do.

A scrape job in Prometheus' keys comes in, the product's own objects go out. Nothing is built here that the daemon does
not use. Imports are made where they are needed: a row must not cost the memory of what another one uses.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bench.sums import JOB, REGION_LABEL, policy, policy_of

if TYPE_CHECKING:
    from autoscaler.loop.signals import SignalBoard
    from autoscaler.model.decision import Plan
    from autoscaler.model.signals import Column, Wave
    from autoscaler.ports import SampleSource

Reader = Literal["own", "aiohttp"]
"""Which HTTP client: the one that the daemon chooses, or aiohttp for everything."""


def scrape_source(job: Mapping[str, Any], wanted: Sequence[str], reader: Reader) -> "SampleSource":
    """The source of one scrape job, as `app.build_sources` makes it."""
    from autoscaler.clock import SystemClock
    from autoscaler.settings.scrape import ScrapeConfig
    from autoscaler.sources.http import AiohttpFetcher, WaveFetcher
    from autoscaler.sources.scrape import ScrapeSource

    config = ScrapeConfig.model_validate(dict(job))
    fetcher = WaveFetcher if reader == "own" else AiohttpFetcher
    return ScrapeSource(
        config,
        wanted=frozenset(wanted),
        region_label=REGION_LABEL,
        clock=SystemClock(),
        fetcher=fetcher(lookups=200, reuse=config.scrape_interval * 2, config=config),
    )


def signal_board(job: Mapping[str, Any], wanted: Sequence[str]) -> "SignalBoard":
    """The board that the waves of this job are posted to: it makes a signal of every wanted family in every region."""
    from autoscaler.loop.signals import SignalBoard
    from autoscaler.model.names import RegionId
    from autoscaler.policy.language import ScalingPolicy

    followed = ScalingPolicy.model_validate(policy_of(wanted))
    regions = {RegionId(group["labels"][REGION_LABEL]) for group in job["static_configs"]}
    return SignalBoard(dict.fromkeys(regions, followed))


PageReader = Callable[[bytes, float], "Mapping[str, Column]"]
"""Takes a page and the time of its scrape (Unix seconds), gives columns by metric."""


def page_readers(wanted: Sequence[str], targets: int) -> list[PageReader]:
    """What reads the pages of each of so many targets of one job, scrape after scrape."""
    from autoscaler.settings.scrape import ScrapeConfig
    from autoscaler.sources.exposition import Pages

    pages = Pages(frozenset(wanted), ScrapeConfig(job_name=JOB))

    def one() -> PageReader:
        memory = pages.target()
        return lambda body, at: memory.read(body, "text/plain; version=0.0.4; charset=utf-8", at)

    return [one() for _ in range(targets)]


class Planning:
    """From a wave to a plan: the signal board, the facts and the decision, for regions with two ready nodes each."""

    def __init__(self, regions: Sequence[str]) -> None:
        from autoscaler.loop.signals import SignalBoard
        from autoscaler.model.names import InstanceId, RegionId
        from autoscaler.policy.language import ScalingPolicy
        from autoscaler.policy.policies import Policies

        self._regions = [RegionId(region) for region in regions]
        self._nodes = frozenset((InstanceId("i-1"), InstanceId("i-2")))
        self._policy = ScalingPolicy.model_validate(policy())
        self._policies = Policies(dict.fromkeys(self._regions, self._policy), capacity_max_age=300)
        self._board = SignalBoard(self._policies.by_region)

    def plan(self, wave: "Wave", now: float) -> "Plan":
        """Take the wave and decide every region."""
        from autoscaler.model.capacity import Capacity
        from autoscaler.model.decision import Facts, RegionFacts
        from autoscaler.policy.decide import decide

        self._board.post(wave)
        nothing: frozenset[Any] = frozenset()
        facts = {
            region: RegionFacts(
                region,
                self._board.signals(self._policy, region),
                Capacity(region, self._nodes, nothing, nothing, nothing, now),
            )
            for region in self._regions
        }
        return decide(Facts(1, now, facts), self._policies)

    def signals(self, plan: "Plan") -> Mapping[str, Mapping[str, float | None]]:
        """What a plan was decided on, by region and name."""
        return {str(one.region): {signal.name: signal.value for signal in one.signals} for one in plan.decisions}


def wave_of(regions: Sequence[str], columns: "Sequence[Mapping[str, Column]]", at: float) -> "Wave":
    """A wave in which the target at each place of `regions` stated the columns at that place."""
    from autoscaler.model.names import RegionId
    from autoscaler.model.reason import Reason
    from autoscaler.model.signals import TargetStatus, Wave

    statuses = (
        TargetStatus(f"target-{number}", RegionId(region), up=True, reason=Reason.UP, columns=stated)
        for number, (region, stated) in enumerate(zip(regions, columns, strict=True))
    )
    return Wave(JOB, at, 0.1, tuple(statuses))


def busy_plan(regions: int, number: int) -> "Plan":
    """A plan over so many regions of which each has five signals; with another number the signals have moved."""
    from autoscaler.model.capacity import Capacity
    from autoscaler.model.decision import Facts, RegionFacts
    from autoscaler.model.names import InstanceId, RegionId
    from autoscaler.model.signals import Signal
    from autoscaler.policy.decide import decide
    from autoscaler.policy.language import ScalingPolicy
    from autoscaler.policy.policies import Policies

    followed = ScalingPolicy.model_validate(policy_of([f"metric_{place}" for place in range(5)]))
    now, nothing, nodes = 1.7e9 + 15.0 * number, frozenset[Any](), frozenset({InstanceId("i-1"), InstanceId("i-2")})
    facts: dict[RegionId, RegionFacts] = {}
    for region in (RegionId(f"region-{place:04}") for place in range(regions)):
        signals = {
            spec.name: Signal(region, spec.name, 2.0 + (0.001 * (number * 7919 + len(facts)) % 0.1), now - 3.0, 2, 2)
            for spec in followed.spec.signals
        }
        facts[region] = RegionFacts(region, signals, Capacity(region, nodes, nothing, nothing, nothing, now))
    return decide(Facts(number, now, facts), Policies(dict.fromkeys(facts, followed), capacity_max_age=300))


class MetricsPage:
    """Our own `/metrics`: an observer that is told of plans, and the page as the web server answers with it."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry

        from autoscaler.telemetry.metrics import MetricsObserver

        self._observer = MetricsObserver(CollectorRegistry(), "bench")

    def tell(self, plan: "Plan") -> None:
        """The plan was made."""
        from autoscaler.model.events import PlanMade

        self._observer.notice(PlanMade(plan, 0.001))

    async def render(self) -> bytes:
        """The page."""
        from prometheus_client import generate_latest

        return await self._observer.page.render(generate_latest)
