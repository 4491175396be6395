"""The HTTP client of the sources: one contract, two implementers.

AiohttpFetcher speaks everything and is the default; WaveFetcher is lean, for waves of scrapes, and leaves what it does
not know to the other. Requests come in, answers go out, or FetchFailed with a reason. It must not judge a status or
read a body, and no credential reaches another host.
"""

from autoscaler.sources.http.aiohttp_fetcher import AiohttpFetcher
from autoscaler.sources.http.contract import OK, PLAIN, Answer, Fetcher, FetchFailed, PageFetcher, Pending
from autoscaler.sources.http.resolver import ThreadResolver
from autoscaler.sources.http.wave_fetcher import DRAIN, WaveFetcher

__all__ = [
    "DRAIN",
    "OK",
    "PLAIN",
    "AiohttpFetcher",
    "Answer",
    "FetchFailed",
    "Fetcher",
    "PageFetcher",
    "Pending",
    "ThreadResolver",
    "WaveFetcher",
]
