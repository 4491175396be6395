"""Collecting: whatever a source does, and whatever its wave does to a reader, the daemon goes on."""

import asyncio
from unittest.mock import patch

from autoscaler.loop.bell import Bell
from autoscaler.loop.collect import collect_forever, collect_once
from autoscaler.loop.signals import SignalBoard
from autoscaler.model.events import SourceFailed, WaveArrived
from autoscaler.model.signals import Wave
from autoscaler.simulator.clock import VirtualClock
from tests.unit.loop.test_loop import Listener, Source


def board() -> SignalBoard:
    return SignalBoard({})


async def test_a_wave_that_trips_its_reader_is_its_sources_failure_and_the_next_one_is_read() -> None:
    clock, listener = VirtualClock(), Listener()
    source, signals, posted = Source(clock, [1.0, 2.0]), board(), list[Wave]()

    def post(wave: Wave) -> frozenset[str]:
        posted.append(wave)
        if len(posted) == 1:
            raise KeyError("a fault of this program")
        return frozenset()

    with patch.object(signals, "post", post):
        collecting = asyncio.create_task(collect_forever(source, signals, Bell(clock, 0.05), clock, listener))
        await clock.advance(11)
        assert not collecting.done()
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
    assert [type(event) for event in listener.events] == [WaveArrived, SourceFailed, WaveArrived]
    (failed,) = listener.of(SourceFailed)
    assert isinstance(failed, SourceFailed)
    assert (failed.source, "KeyError" in failed.detail) == ("edge", True)


async def test_a_source_that_raises_is_told_of_and_no_wave_is_posted() -> None:
    clock, listener = VirtualClock(), Listener()
    await collect_once(Source(clock, [RuntimeError("lost")]), board(), Bell(clock, 0.05), listener)
    assert [type(event) for event in listener.events] == [SourceFailed]
