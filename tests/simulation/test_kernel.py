import asyncio
import contextvars

import pytest

from tests.simulation.dice import dice
from tests.simulation.loop import Deadlock, VirtualLoop
from tests.simulation.processes import Process


def test_days_pass_without_waiting() -> None:
    loop = VirtualLoop(dice(1))

    async def main() -> float:
        await asyncio.sleep(3 * 86_400)
        return asyncio.get_running_loop().time()

    assert loop.run(main()) == pytest.approx(3 * 86_400)


def test_deadlines_count_in_virtual_time() -> None:
    loop = VirtualLoop(dice(1))

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert loop.run(main()) == pytest.approx(30)


def test_what_can_never_come_is_told_and_not_waited_for() -> None:
    loop = VirtualLoop(dice(1))

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        loop.run(main())


def _orders_seen(seed: int) -> list[int]:
    loop = VirtualLoop(dice(seed))
    seen: list[int] = []

    async def one(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(one(number))

    loop.run(main())
    return seen


def test_a_seed_gives_one_order_of_the_ready_and_seeds_give_many() -> None:
    assert _orders_seen(7) == _orders_seen(7)
    assert len({tuple(_orders_seen(seed)) for seed in range(20)}) > 10


def test_a_killed_process_runs_nothing_more_and_what_it_asked_for_goes_on() -> None:
    loop = VirtualLoop(dice(3))
    seen: list[str] = []

    async def vendor(answer: "asyncio.Future[str]") -> None:
        await asyncio.sleep(10)
        seen.append("sold")
        answer.set_result("sold")

    async def daemon(world: contextvars.Context) -> None:
        answer: asyncio.Future[str] = loop.create_future()
        selling = loop.create_task(vendor(answer), context=world)
        try:
            await answer
            seen.append("answered")
        finally:
            seen.append("finally")
            selling.cancel()

    async def main() -> None:
        process = Process("first")
        life = loop.create_task(daemon(contextvars.copy_context()), context=process.context)
        await asyncio.sleep(5)
        loop.kill(process)
        await process.ended.wait()
        await asyncio.sleep(100)
        assert not life.done()
        life._log_destroy_pending = False  # type: ignore[attr-defined]

    loop.run(main())
    assert seen == ["sold"]
    loop.dispose()


def test_a_process_dies_between_two_steps_of_its_own() -> None:
    def steps_done(limit: int) -> int:
        loop = VirtualLoop(dice(5))
        done: list[int] = []

        async def daemon() -> None:
            for number in range(100):
                done.append(number)
                await asyncio.sleep(1)

        async def main() -> None:
            process = Process("first")
            process.dies_after = limit
            task = loop.create_task(daemon(), context=process.context)
            await process.ended.wait()
            task._log_destroy_pending = False  # type: ignore[attr-defined]

        loop.run(main())
        loop.dispose()
        return len(done)

    assert [steps_done(limit) for limit in (1, 3, 5)] == [1, 2, 3]


def test_a_held_process_goes_on_where_it_was() -> None:
    loop = VirtualLoop(dice(5))
    at: list[float] = []

    async def daemon() -> None:
        for _ in range(3):
            await asyncio.sleep(10)
            at.append(loop.time())

    async def main() -> None:
        process = Process("first")
        life = loop.create_task(daemon(), context=process.context)
        await asyncio.sleep(15)
        loop.hold(process)
        await asyncio.sleep(100)
        loop.release(process)
        await life

    loop.run(main())
    assert at == pytest.approx([10, 115, 125])
