"""What the cloud tests share: fixed inputs, raw servers on the loopback, and a client that talks to them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count

from aiohttp.abc import AbstractResolver
from pydantic import SecretStr

from autoscaler.cloud.client import AlibabaCloud
from autoscaler.cloud.credentials import Credentials
from autoscaler.model.names import ClusterId, NodePoolId, RegionId
from autoscaler.model.operation import (
    Delta,
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    Quantity,
    ScaleClusterNodePool,
    ScaleOutCluster,
    Total,
)

PASSWORD = 'Hello1234!"<&'
SECRET = "testsecret-0123456789"
TOKEN = "sts-token-abcdefghij"
REGION = RegionId("cn-beijing-telecom")
CLUSTER = ClusterId("Cccfd68c474454665ace07efce924****")

OPERATION = ScaleOutCluster(
    cluster=CLUSTER,
    template="edge",
    ens_region_id=REGION,
    worker_instance_type="ens.sn1.tiny",
    worker_image_id="m-2QVLO2T8NYgm8CNQVg****",
    ens_internet_charge_type="BandwidthByDay",
    worker_period=1,
    worker_system_disk_size=20,
    worker_data_disk_size=0,
    worker_auto_renew=True,
    worker_auto_renew_period=1,
    timeout_mins=60,
)
"""The operation of the API page's sample."""

POOL = NodePoolId("np31da1b38983f4511b490fc62108a****")
_OF_A_POOL = {
    "cluster": CLUSTER,
    "pool": POOL,
    "template": "edge",
    "ens_region_id": REGION,
    "worker_instance_type": "ens.sn1.tiny",
    "ens_internet_charge_type": "BandwidthByDay",
    "worker_period": 3,
    "worker_system_disk_size": 20,
    "worker_data_disk_size": 40,
}
CS_SCALE = ScaleClusterNodePool(**_OF_A_POOL)  # type: ignore[arg-type]  # one dict for all three
CS_MODIFY = ModifyClusterNodePool(**_OF_A_POOL)  # type: ignore[arg-type]
ENS_SCALE = EnsScaleClusterNodePool(**_OF_A_POOL)  # type: ignore[arg-type]
PURCHASES: tuple[tuple[Operation, Quantity], ...] = (
    (OPERATION, Delta(1)),
    (CS_SCALE, Delta(1)),
    (CS_MODIFY, Total(5)),
    (ENS_SCALE, Total(5)),
)
"""Every purchase operation, with a quantity of its kind."""


class StillClock:
    """A clock that stands at 2026-01-02T03:04:05Z."""

    def now(self) -> float:
        return 1767323045.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the client must not wait")


class FixedCredentials:
    async def get(self) -> Credentials:
        return Credentials("testid", SecretStr(SECRET), SecretStr(TOKEN))


class NoNames(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[object]:  # type: ignore[override]  # it only fails
        raise OSError(-2, "Name or service not known")

    async def close(self) -> None:
        return None


@asynccontextmanager
async def client_of(
    url: str, deadline: float = 2.0, resolver: AbstractResolver | None = None
) -> AsyncIterator[AlibabaCloud]:
    """A client whose two endpoints are `url`."""
    nonces = count()
    cloud = AlibabaCloud(
        url,
        url,
        FixedCredentials(),
        lambda template: {"edge": SecretStr(PASSWORD)}[template],
        StillClock(),
        lambda: f"{next(nonces):032x}",
        deadline,
        resolver=resolver,
    )
    try:
        yield cloud
    finally:
        await cloud.close()


class RawServer:
    """Counts the requests that arrive whole and lets `reply` do with the connection what it likes."""

    def __init__(self, reply: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.arrived = asyncio.Event()
        self._reply = reply
        self._serving: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.create_task(self._serve(reader, writer), name="raw-connection"))

    async def stop(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                self.arrived.set()
                await self._reply(writer)
                if writer.is_closing():
                    break


@asynccontextmanager
async def raw_server(reply: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[RawServer]:
    """A server on the loopback that speaks bytes."""
    raw = RawServer(reply)
    server = await asyncio.start_server(raw.accept, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()
        await raw.stop()


def answer(status: int, body: bytes, *headers: str) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """A reply with a status, a body and further header lines."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return reply
