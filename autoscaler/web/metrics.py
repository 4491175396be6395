"""`/metrics`: which format and encoding a scraper gets.

A request and a MetricsPage come in, a response goes out. What the series are, and how the page is made without holding
the event loop, is the page's business.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web
from isal import igzip
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.registry import Collector

from autoscaler.web.accept import takes_gzip

SMALL = 32 * 1024
"""Bytes. Up to here compressing takes less time than handing it to a thread and back."""
LEVEL = 1
"""Of igzip, 0 to 3: a megabyte takes about 1 ms, and more makes it no smaller."""

Encode = Callable[[Collector], bytes]


class MetricsPage(Protocol):
    """The program's metrics."""

    async def render(self, encode: Encode) -> bytes:
        """The page, equal to what `encode` (one of the client library's `generate_latest`) prints for it.

        It gives way to other tasks again and again while it is made.
        """
        ...


async def metrics_response(page: MetricsPage, request: web.Request) -> web.Response:
    """The page as text 0.0.4, text 1.0.0 or OpenMetrics, whichever `Accept` asks for first; gzip where it is taken.

    The format is chosen as the Prometheus client library does (Prometheus, "Content negotiation").
    """
    encode, content_type = _format(request.headers.get("Accept", ""))
    body = await page.render(encode)
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    if takes_gzip(request.headers.get("Accept-Encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = await _gzipped(body)
    return web.Response(body=body, headers=headers)


def _format(accept: str) -> tuple[Encode, str]:
    try:
        return choose_encoder(accept)
    except (ValueError, TypeError):  # the library trips over a version like `one.two`
        return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


async def _gzipped(body: bytes) -> bytes:
    if len(body) <= SMALL:
        return igzip.compress(body, LEVEL)
    return await asyncio.to_thread(igzip.compress, body, LEVEL)
