"""`autoscaler release`: a human ends what holds a region, or the whole account, until a human has looked.

A region of the fleet and a reason come in; an act goes into the ledger and its outcome out. Exit codes: 0 done, 1
refused or failed, 2 usage.
"""

import asyncio
from collections.abc import Collection
from pathlib import Path

import click

from autoscaler.cli.ledger import (
    REASON_OPTION,
    WAIT_OPTION,
    carried_out,
    new_act,
    opened,
    refusals_are_lines,
    tell,
)
from autoscaler.cli.run import CONFIG_OPTION
from autoscaler.clock import SystemClock
from autoscaler.ledger.file import Access
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.problems import suggestion
from autoscaler.settings.root import Loaded, load


@click.command("release")
@CONFIG_OPTION
@click.argument("region")
@REASON_OPTION
@WAIT_OPTION
def command(path: Path, region: str, reason: str, wait: float) -> None:
    """Let a REGION order again after nodes failed to join; '*' for all regions, and after the account was refused."""
    with refusals_are_lines():
        loaded = load(path)
        _check(region, loaded)
        tell(asyncio.run(_released(loaded.settings.ledger.path, region, reason, wait)))


def _check(region: str, loaded: Loaded) -> None:
    known: Collection[str] = {one for regions in loaded.clusters.values() for one in regions}
    if region != EVERYWHERE and region not in known:
        hint = suggestion(region, sorted(known), "regions of the fleet")
        raise ConfigurationRefused([f"the fleet has no region {region!r}; {hint}"])


async def _released(path: Path, region: str, reason: str, wait: float) -> Act:
    clock = SystemClock()
    async with opened(path, Access.READER):
        pass  # without a ledger there is nothing to release, and an act must not make one
    return await carried_out(path, new_act(ActKind.RELEASE, region, reason, clock.now()), wait, clock)
