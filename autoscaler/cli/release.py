"""`autoscaler release`: a human ends what holds a region, or the whole account, until a human has looked.

A region and a reason come in; an act goes into the ledger and its outcome out. It is for an emergency, so a mistake in
the policies does not bar it. Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

import asyncio
from pathlib import Path

import click

from autoscaler.cli.ledger import (
    REASON_OPTION,
    WAIT_OPTION,
    carried_out,
    new_act,
    opened,
    own_settings,
    refusals_are_lines,
    require_region,
    tell,
)
from autoscaler.cli.run import CONFIG_OPTION
from autoscaler.clock import SystemClock
from autoscaler.ledger.file import Access
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.settings.shape import Settings


@click.command("release")
@CONFIG_OPTION
@click.argument("region")
@REASON_OPTION
@WAIT_OPTION
def command(path: Path, region: str, reason: str, wait: float) -> None:
    """Let a REGION order again after nodes failed to join; '*' for all regions, and after the account was refused."""
    with refusals_are_lines():
        tell(asyncio.run(_released(own_settings(path), region, reason, wait)))


async def _released(settings: Settings, region: str, reason: str, wait: float) -> Act:
    clock, path = SystemClock(), settings.ledger.path
    # Without a ledger there is nothing to release, and an act must not make one.
    async with opened(path, Access.READER) as ledger:
        if region != EVERYWHERE:
            await require_region(region, settings, ledger)
    return await carried_out(path, new_act(ActKind.RELEASE, region, reason, clock.now()), wait, clock)
