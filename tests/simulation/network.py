"""The network between the daemon and the vendor, and what goes wrong in it.

Implements the client's transport without sockets: the signed request is handed to the simulator's own application. What
fails does so as aiohttp would raise it. A request that has left is executed whatever becomes of its sender.
"""

import asyncio
import errno
import json
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar
from random import Random
from typing import Literal, get_args

import aiohttp
from aiohttp.client_reqrep import ConnectionKey

from autoscaler.cloud.transport import Answer, Progress, Transport
from tests.simulation.loop import VirtualLoop
from tests.simulation.story import Story
from tests.simulation.vendor import Answered, Broken, Vendor
from tests.simulation.witness import TROUBLE

Trouble = Literal[
    "refused",
    "dns failed",
    "connect timeout",
    "request lost",
    "request late",
    "answer lost",
    "answer late",
    "delivered twice",
    "proxy repeats the request",
]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)
CALL: ContextVar[object | None] = ContextVar("call", default=None)
"""What the daemon is calling for: set around a purchase, and inherited by the vendor's side of it."""
_KEY = ConnectionKey("cs.simulated", 443, True, True, None, None, None)


class Weather:
    """Which trouble a call meets. `rates` (0 to 1) are of purchases; a read meets `reads` times as many.

    From `quiet_from` (seconds of the simulation) on there is none.
    """

    def __init__(self, chance: Random, rates: Mapping[Trouble, float], reads: float, quiet_from: float) -> None:
        self._chance = chance
        self._rates = tuple(rates.items())
        self._reads = reads
        self._quiet_from = quiet_from

    def trouble(self, purchase: bool, now: float) -> Trouble | None:
        """The trouble of one call, or none."""
        if now >= self._quiet_from or not (purchase or self._reads):
            return None
        draw = self._chance.random() / (1.0 if purchase else self._reads)
        for trouble, rate in self._rates:
            draw -= rate
            if draw < 0:
                return trouble
        return None

    def latency(self) -> float:
        """Seconds one way: mostly short, at times long."""
        return self._chance.choice((0.02, 0.05, 0.1, 0.2)) * (1 + 9 * (self._chance.random() < 0.05))

    def wait(self, least: float, most: float) -> float:
        """Seconds of something slow."""
        return self._chance.uniform(least, most)

    def pick(self, *of: int) -> int:
        """One of them."""
        return self._chance.choice(of)


class Network:
    """Outlives every process. `deadline` is the client's, `latest` the most that a request is held up, in seconds."""

    def __init__(
        self,
        loop: VirtualLoop,
        vendor: Vendor,
        weather: Weather,
        story: Story,
        world: Context,
        deadline: float,
        latest: float,
    ) -> None:
        self.loop = loop
        self.vendor = vendor
        self.weather = weather
        self.story = story
        self._world = world
        self.deadline = deadline
        self.latest = latest

    def deliver(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, trouble: Trouble | None
    ) -> "asyncio.Future[Answer]":
        """Send a request on its way; the future is its sender's, the way is the world's."""
        reply: asyncio.Future[Answer] = self.loop.create_future()
        context = self._world.copy()
        context.run(CALL.set, CALL.get())
        context.run(TROUBLE.set, trouble)
        # The task is kept by the loop until it is done.
        self.loop.create_task(self._carry(method, url, headers, body, trouble, reply), context=context)
        return reply

    async def _carry(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        trouble: Trouble | None,
        reply: "asyncio.Future[Answer]",
    ) -> None:
        weather = self.weather
        if trouble == "request late":
            await asyncio.sleep(weather.wait(self.deadline, self.latest))
        await asyncio.sleep(weather.latency())
        answer: Answered = Answer(502, {}, b"")
        if trouble != "request lost":
            answer = await self.vendor.answer(method, url, headers, body)
        if trouble == "delivered twice":
            again = await self.vendor.answer(method, url, headers, body)
            answer = again if weather.pick(0, 1) else answer
        if trouble == "answer late":
            await asyncio.sleep(weather.wait(self.deadline, 3 * self.deadline))
        await asyncio.sleep(weather.latency())
        if not reply.done():
            self._reply(reply, answer, body, trouble)

    def _reply(self, reply: "asyncio.Future[Answer]", answer: Answered, body: bytes, trouble: Trouble | None) -> None:
        if trouble in ("request lost", "answer lost") or answer is Broken.CLOSED:
            reply.set_exception(self._reset())
        elif answer is Broken.CUT:
            reply.set_exception(aiohttp.ClientPayloadError("Response payload is not completed"))
        elif trouble == "proxy repeats the request":
            said = {"Code": "BadGateway", "Message": f"could not forward: {body.decode()}", "RequestId": "R-5"}
            reply.set_result(Answer(502, {}, json.dumps(said).encode()))
        else:
            reply.set_result(answer)

    def _reset(self) -> Exception:
        if self.weather.pick(0, 1):
            return aiohttp.ServerDisconnectedError()
        return aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer")


class Uplink(Transport):
    """One process's transport. `called` is told of every request that leaves: the action, and the purchase it is for.

    It is told when the client lets go of the request. How long the way to the vendor takes is not the daemon's doing,
    and what fails on that way has used its turn all the same.
    """

    def __init__(self, network: Network, called: Callable[[str, object], None]) -> None:
        super().__init__()
        self._network = network
        self._called = called

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, progress: Progress, *, purchase: bool
    ) -> Answer:
        """See Transport. Sets `progress.sent` before the request is handed over, and never takes it back."""
        network = self._network
        self._called(headers.get("x-acs-action", ""), CALL.get() if purchase else None)
        trouble = network.weather.trouble(purchase, network.loop.time())
        if trouble is not None:
            network.story.count(f"fault: {trouble}")
            network.story.tell(f"{headers.get('x-acs-action')} meets: {trouble}")
        await asyncio.sleep(network.weather.latency())
        if trouble == "refused":
            raise aiohttp.ClientConnectorError(_KEY, ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
        if trouble == "dns failed":
            raise aiohttp.ClientConnectorDNSError(_KEY, OSError(None, "name not known"))
        if trouble == "connect timeout":
            await asyncio.sleep(2 * network.deadline)
        progress.sent = True
        return await network.deliver(method, url, headers, body, trouble)
