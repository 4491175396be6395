"""`autoscaler simulate`: the simulated cloud and edge, to try policies on."""

import asyncio
import signal
from pathlib import Path

import click

from autoscaler.clock import SystemClock
from autoscaler.model.errors import ConfigurationRefused
from autoscaler.simulator.demo_files import DEMO
from autoscaler.simulator.scenario import Scenario, load_scenario
from autoscaler.simulator.server import Simulator
from autoscaler.simulator.stage import publish_targets


@click.command("simulate")
@click.option(
    "--scenario",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=DEMO / "scenario.yaml",
    show_default="the demo's",
    help="Regions, their stock and their demand over time.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="TCP port.")
@click.option("--speed", type=click.FloatRange(0.01, 1000), default=1.0, show_default=True, help="Simulated s per s.")
@click.option("--file-sd", type=click.Path(dir_okay=False, path_type=Path), help="Keep a file_sd file of the targets.")
def command(path: Path, host: str, port: int, speed: float, file_sd: Path | None) -> None:
    """Serve the CS and ENS operations and the edge's /metrics until SIGTERM or SIGINT."""
    try:
        scenario = load_scenario(path)
    except ConfigurationRefused as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(1) from error
    try:
        asyncio.run(_serve(scenario, host, port, speed, file_sd))
    except OSError as error:  # the port is taken, or the targets can not be written
        click.echo(f"the simulator can not start: {error}", err=True)
        raise click.exceptions.Exit(1) from error


async def _serve(scenario: Scenario, host: str, port: int, speed: float, file_sd: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = SystemClock()
    simulator = Simulator(scenario, clock, speed)
    await simulator.start(host, port)
    discovery: asyncio.Task[None] | None = None
    try:
        if file_sd:
            simulator.write_file_sd(file_sd)  # here, so that a path that can not be written is told at once
            discovery = asyncio.create_task(publish_targets(simulator, file_sd, clock), name="file_sd")
        click.echo(f"simulator  {simulator.url}")
        click.echo(f"cluster    {scenario.cluster_id}")
        click.echo(f"key        {scenario.access_key_id} / {scenario.access_key_secret.get_secret_value()}")
        click.echo(f"targets    {simulator.url}/_simulator/targets")
        click.echo(f"books      {simulator.url}/_simulator/books")
        await stop.wait()
    finally:
        if discovery:
            discovery.cancel()
        await simulator.stop()
