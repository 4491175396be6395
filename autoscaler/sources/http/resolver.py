"""Names into addresses, with the system's resolver, in threads of its own: the loop's are few and others need them.

A host comes in, addresses go out. A dead name may hold up other names when all threads wait for such; never a file.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult


class ThreadResolver(AbstractResolver):
    """At most `threads` lookups at a time."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of a host. Raises OSError or UnicodeError if there is none."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        )
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Give the threads up; one in the middle of a lookup ends with it."""
        self._threads.shutdown(wait=False, cancel_futures=True)
