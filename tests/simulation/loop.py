"""A virtual-time event loop with a seeded scheduler.

Handles and timers come in, as from any asyncio program. One ready handle after the other runs, in an order drawn from
the dice; when none is ready, time jumps to the next timer. A killed process loses every handle for ever: no `finally`
and no `except` of it runs again. There are no sockets, no threads and no signals here.
"""

import asyncio
import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context
from random import Random
from typing import Any, TypeVar, TypeVarTuple, Unpack

from tests.simulation.processes import PROCESS, Process

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_FIRST_SWEEP = 500
Step = Callable[[Context], None]


class Deadlock(Exception):
    """Nothing is ready, nothing is scheduled, and the main task is not done."""


class NumberedTask(asyncio.Task[T]):
    """A task whose hash is its number, so that sets of tasks are walked in the same order in every run."""

    def __init__(self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], number: int, **rest: Any) -> None:
        self._number = number
        super().__init__(coro, **rest)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop. `fault` is raised by `run` as soon as the running handle is through: no handler can swallow it.

    `after_world` is called after every handle that ran in no process, with the handle's context.
    """

    def __init__(self, dice: Random) -> None:
        self._disposing = False
        self._running = False
        super().__init__()
        self._draw = dice.random
        self._now = 0.0
        self._numbers = itertools.count(1)
        self._runnable: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._jobs: defaultdict[object, deque[Callable[[], None]]] = defaultdict(deque)
        self._lost: list[asyncio.Handle] = []
        self._tasks: list[NumberedTask[Any]] = []
        self._many = _FIRST_SWEEP
        self.fault: BaseException | None = None
        self.complaints: list[str] = []
        self.after_world: Step = lambda _: None

    # What the simulation asks for.

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` is done; gives its result. Raises its exception, `fault`, or Deadlock."""
        task = self.create_task(main)
        asyncio._set_running_loop(self)
        self._running = True
        try:
            while not task.done():
                self._step()
                if self.fault is not None:
                    raise self.fault
        finally:
            self._running = False
            asyncio._set_running_loop(None)
        return task.result()

    def kill(self, process: Process) -> None:
        """Nothing of this process runs from now on. Takes effect at once for everything but the running handle."""
        process.alive = False
        if process.held:
            self._lost.extend(process.held)
        process.held = None
        world = Context()
        self._runnable.append(asyncio.Handle(process.ended.set, (), self, world))

    def hold(self, process: Process) -> None:
        """Stop the process as SIGSTOP does; it notices nothing."""
        if process.held is None and process.alive:
            process.held = []

    def release(self, process: Process) -> None:
        """Let a held process go on."""
        if process.held is not None:
            self._runnable.extend(process.held)
        process.held = None

    def unfinished(self) -> list[NumberedTask[Any]]:
        """Tasks that are not done, in the order in which they were made."""
        return [task for task in self._tasks if not task.done()]

    def dispose(self) -> None:
        """Nothing runs any more, whatever the finalizers of what is left may ask for."""
        self._disposing = True
        self._runnable.clear()
        self._timers.clear()
        self._jobs.clear()

    def forget(self) -> None:
        """Let go of everything that was kept so that it would not be finalized."""
        self._lost.clear()
        self._tasks.clear()

    # The scheduler.

    def _step(self) -> None:
        ready, timers = self._runnable, self._timers
        if timers and timers[0][0] <= self._now:
            self._wake_due()
        while not ready:
            if not timers:
                raise Deadlock("every task waits for something that will not come")
            self._now = max(self._now, timers[0][0])
            self._wake_due()
        index = int(self._draw() * len(ready))
        handle = ready[index]
        ready[index] = ready[-1]
        ready.pop()
        if not handle._cancelled:
            self._run_handle(handle)

    def _wake_due(self) -> None:
        timers, now = self._timers, self._now
        while timers and timers[0][0] <= now:
            timer = heapq.heappop(timers)[2]
            if not timer._cancelled:
                self._runnable.append(timer)

    def _run_handle(self, handle: asyncio.Handle) -> None:
        context: Context = handle._context  # type: ignore[attr-defined]  # typeshed does not know it
        process = context.get(PROCESS)
        if process is None:
            handle._run()
            self.after_world(context)
        elif not process.alive:
            self._lost.append(handle)  # kept, so that nothing of it is finalized before the end
        elif process.held is not None:
            process.held.append(handle)
        else:
            process.steps += 1
            handle._run()
            if process.steps == process.dies_after and process.alive:
                self.kill(process)

    # What asyncio asks for.

    def time(self) -> float:
        return self._now

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return not self._running

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self._disposing:
            self._runnable.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if not self._disposing:
            heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when their moment comes."""

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
        **_: Any,
    ) -> asyncio.Task[T]:
        number = next(self._numbers)
        title = f"task {number}" if name is None else str(name)
        task = NumberedTask(coro, number, loop=self, name=title, context=context)
        self._tasks.append(task)
        if len(self._tasks) > self._many:
            self._tasks = self.unfinished()
            self._many = 2 * len(self._tasks) + _FIRST_SWEEP
        return task

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """A thread of the process, as a handle of it: one job after the other for each executor."""
        future: asyncio.Future[T] = self.create_future()
        jobs = self._jobs[executor]

        def job() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  # it belongs to whoever waits for the job
                future.set_exception(error)

        jobs.append(job)
        self.call_soon(_run_first, jobs)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._disposing:
            self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    async def shutdown_asyncgens(self) -> None:
        """Nothing to do: generators of the living are finished by their own code."""


def _run_first(jobs: deque[Callable[[], None]]) -> None:
    jobs.popleft()()
