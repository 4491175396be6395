"""The signal board: the newest wave of each source, read as signals by whoever decides."""

from collections.abc import Mapping

from autoscaler.model.names import RegionId
from autoscaler.model.signals import Signal, Wave
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.signals import WaveIndex, measure


class SignalBoard:
    """Holds one wave per source. A source that stops answering leaves its last wave to grow old, never to vanish."""

    def __init__(self) -> None:
        self._waves: dict[str, WaveIndex] = {}
        self._answering: dict[str, Mapping[RegionId, bool]] = {}

    def post(self, wave: Wave) -> frozenset[RegionId]:
        """Put up a wave in place of its source's former one; gives the regions that it or the former one knows."""
        former = self._waves.get(wave.source)
        index = WaveIndex(wave)
        self._waves[wave.source] = index
        self._answering[wave.source] = {
            region: any(target.up for target in index.targets(region)) for region in index.regions
        }
        return index.regions | (former.regions if former else frozenset())

    def silent(self, region: RegionId) -> bool:
        """Whether the region has targets and none of them answers, whichever source asks."""
        answers = [answering[region] for answering in self._answering.values() if region in answering]
        return bool(answers) and not any(answers)

    def signals(self, policy: ScalingPolicy, region: RegionId) -> Mapping[str, Signal]:
        """The policy's signals for a region; one whose source has not answered yet is absent."""
        return {
            spec.name: measure(spec, region, self._waves[spec.source])
            for spec in policy.spec.signals
            if spec.source in self._waves
        }
