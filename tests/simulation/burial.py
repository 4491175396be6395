"""The end of a seed: what is left unfinished is closed in silence, so that nothing of it speaks in the next seed."""

import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.loop import VirtualLoop

_PATIENCE = 20


def bury(loop: VirtualLoop) -> None:
    """Close every unfinished coroutine of the loop. Its `finally` blocks run now, into a loop that does nothing."""
    with _silence():
        loop.dispose()
        for task in loop.unfinished():
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio's own switch for this
            _close(task.get_coro())
        loop.forget()
        gc.collect()


def _close(coroutine: object) -> None:
    close = getattr(coroutine, "close", None)
    for _ in range(_PATIENCE):
        try:
            if close is not None:
                close()
        except BaseException:  # noqa: BLE001, S112  # a coroutine that refuses to end is asked again
            continue
        return


@contextmanager
def _silence() -> Iterator[None]:
    """Finalizers of the dead complain of having been left alone; that is the point."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.unraisablehook = hook
