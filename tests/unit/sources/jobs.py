"""What the tests of discovery share: a job, its groups of targets, and an endpoint that says what it is told."""

import json
from collections.abc import Mapping

from autoscaler.model.reason import Reason
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.settings.target_groups import StaticConfig
from autoscaler.sources.http import Answer, FetchFailed

LABEL = "ens_region_id"
REGION = "cn-beijing-cmcc-2"


def group(*targets: str, region: str = REGION, **labels: str) -> StaticConfig:
    """Targets of one region."""
    return StaticConfig(targets=targets, labels={LABEL: region, **labels})


def job(*groups: StaticConfig, **settings: object) -> ScrapeConfig:
    """A scrape job called `edge`."""
    return ScrapeConfig.model_validate({"job_name": "edge", "static_configs": groups, **settings})


def stated(*targets: str, **labels: str) -> bytes:
    """One group of one region, as JSON."""
    return json.dumps([{"targets": targets, "labels": {LABEL: REGION, **labels}}]).encode()


class Endpoint:
    """A fetcher whose answer a test sets; None: it does not answer. It notes what it was asked."""

    def __init__(self, body: bytes | None = None) -> None:
        self.body = body
        self.status = 200
        self.content_type = "application/json"
        self.asked: list[tuple[str, float, int, Mapping[str, str]]] = []
        self.closed = False

    async def fetch(self, url: str, *, within: float, body_limit: int, headers: Mapping[str, str]) -> Answer:
        """The answer as it is set."""
        self.asked.append((url, within, body_limit, headers))
        if self.body is None:
            raise FetchFailed(Reason.CONNECTION_FAILED, "refused")
        return Answer(status=self.status, phrase="Said So", content_type=self.content_type, body=self.body)

    async def close(self) -> None:
        """Note it."""
        self.closed = True
