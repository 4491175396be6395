"""The signal board: what the sources say, read as signals by whoever decides.

Waves come in, each from one source and over some regions or all; the signals of each region go out, and whether it is
silent. It must not judge a signal, nor keep more of a wave than the signals need.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from autoscaler.model.names import RegionId
from autoscaler.model.signals import Signal, TargetStatus, Wave
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.signals.region import RegionSignals
from autoscaler.policy.signals.said import Said

WHOLE = RegionId("")
"""The region of a status that stands for its source as a whole."""


class SignalBoard:
    """The newest signals of every region that a policy serves.

    A wave must be posted once, and those of one source in order: rates are made from wave to wave. A source that stops
    answering leaves its signals to grow old, never to vanish.
    """

    def __init__(self, policies: Mapping[RegionId, ScalingPolicy]) -> None:
        self._policies = policies
        self._regions = {region: RegionSignals(region, policy.spec.signals) for region, policy in policies.items()}
        self._readers: dict[str, set[RegionId]] = defaultdict(set)
        for region, signals in self._regions.items():
            for source in signals.sources:
                self._readers[source].add(region)
        specs = (spec for policy in policies.values() for spec in policy.spec.signals)
        self._measuring = frozenset(spec.source for spec in specs if spec.scrape or spec.promql)
        self._answering: dict[str, dict[RegionId, bool]] = defaultdict(dict)
        self._whole: dict[str, Sequence[TargetStatus]] = {}

    def post(self, wave: Wave) -> frozenset[RegionId]:
        """Read a wave in place of what its source said of the regions that it covers; gives those with news."""
        said: dict[RegionId, list[TargetStatus]] = defaultdict(list)
        for target in wave.targets:
            said[target.region].append(target)
        whole: Sequence[TargetStatus] = said.pop(WHOLE, ())
        if wave.regions is None or WHOLE in wave.regions:
            self._whole[wave.source] = whole
        covered = self._covered(wave, said.keys(), whole=bool(whole))
        if wave.source in self._measuring:  # not so a receiver, and there are some that no policy reads
            self._note_answers(wave, said, covered)
        asked, whole = wave.at - wave.took, self._whole.get(wave.source, ())
        for region in self._readers.get(wave.source, frozenset()) if wave.regions is None else covered:
            if region in self._regions:
                self._regions[region].read(wave.source, Said(said.get(region, ()), whole, asked))
        return covered

    def silent(self, region: RegionId) -> bool:
        """Whether the region has targets and none of them answers, whichever source asks.

        An Alertmanager's word does not count: that an alert about a region fires does not say that the region answers.
        """
        answers = [answering[region] for answering in self._answering.values() if region in answering]
        return bool(answers) and not any(answers)

    def signals(self, policy: ScalingPolicy, region: RegionId) -> Mapping[str, Signal]:
        """The policy's signals for a region; those of a source that has not answered yet are absent.

        So are all of them if the board does not follow just this policy there.
        """
        return self._regions[region].signals if self._policies.get(region) is policy else {}

    def _covered(self, wave: Wave, named: AbstractSet[RegionId], *, whole: bool) -> frozenset[RegionId]:
        """The regions that a wave tells something of: that they have no target any more is news, too."""
        if wave.regions is not None:
            return wave.regions - {WHOLE}
        known = named | self._answering[wave.source].keys()
        return frozenset(known | self._readers.get(wave.source, set()) if whole else known)

    def _note_answers(
        self, wave: Wave, said: Mapping[RegionId, Sequence[TargetStatus]], covered: AbstractSet[RegionId]
    ) -> None:
        answering = self._answering[wave.source]
        for region in covered:
            if region in said:
                answering[region] = any(target.up for target in said[region])
            else:
                answering.pop(region, None)
