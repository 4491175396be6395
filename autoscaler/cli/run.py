"""`autoscaler run`: the daemon."""

import asyncio
import signal
import sys
from pathlib import Path

import click
import structlog

from autoscaler.app import Daemon
from autoscaler.cli.garbage import settle_garbage
from autoscaler.cli.open_files import allow_open_files
from autoscaler.model.errors import AddressUnusable, ConfigurationRefused, LedgerUnusable
from autoscaler.settings.root import Loaded, load
from autoscaler.telemetry.log_format import configure_logging

CONFIG_OPTION = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=Path("config/autoscaler.yaml"),
    show_default=True,
    envvar="AUTOSCALER_CONFIG",
    help="The configuration file; the policy directory is named in it.",
)


@click.command("run")
@CONFIG_OPTION
def command(path: Path) -> None:
    """Run the daemon until SIGTERM or SIGINT; exit code 0 after a clean shutdown."""
    try:
        loaded = load(path)
    except ConfigurationRefused as refused:
        for problem in refused.problems:
            click.echo(problem, err=True)
        raise click.exceptions.Exit(1) from refused
    configure_logging(loaded.settings.log.format, loaded.settings.log.level, sys.stderr)
    for notice in loaded.notices:
        structlog.get_logger().warning("configuration.notice", detail=notice)
    allow_open_files()
    try:
        asyncio.run(_run(loaded))
    except LedgerUnusable as unusable:
        click.echo(f"the ledger can not be used, so nothing is ordered: {unusable}", err=True)
        raise click.exceptions.Exit(1) from unusable
    except AddressUnusable as unusable:
        click.echo(str(unusable), err=True)
        raise click.exceptions.Exit(1) from unusable


async def _run(loaded: Loaded) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    daemon = Daemon(loaded)
    settling = asyncio.create_task(_settle(daemon), name="settle")
    try:
        await daemon.run(stop)
    finally:
        settling.cancel()


async def _settle(daemon: Daemon) -> None:
    await daemon.ready.wait()
    settle_garbage()
