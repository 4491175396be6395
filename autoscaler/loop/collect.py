"""Collecting: each source at its own pace; the fault of one stays with that one."""

from autoscaler.loop.bell import Bell
from autoscaler.loop.signals import SignalBoard
from autoscaler.model.errors import AutoscalerError
from autoscaler.model.events import SourceFailed, WaveArrived
from autoscaler.ports import Clock, Observer, SampleSource


async def collect_forever(
    source: SampleSource, board: SignalBoard, bell: Bell, clock: Clock, observer: Observer
) -> None:
    """Pass after pass, each when the source says that it is due."""
    while True:
        await clock.sleep(source.pause())
        await collect_once(source, board, bell, observer)


async def collect_once(source: SampleSource, board: SignalBoard, bell: Bell, observer: Observer) -> None:
    """One pass: post the wave and ring for the regions that it touches."""
    try:
        wave = await source.collect()
        observer.notice(WaveArrived(wave))
        bell.ring(board.post(wave))
    except AutoscalerError as error:
        observer.notice(SourceFailed(source.name, str(error)))
    except Exception as error:  # noqa: BLE001  # a bug in one source, or met by its wave, must not blind the others
        observer.notice(SourceFailed(source.name, f"{type(error).__name__}: {error}"))
