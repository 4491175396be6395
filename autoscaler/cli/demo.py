"""`autoscaler demo`: the main job on the embedded default, with an audience.

Rich output on a terminal, plain lines when piped. Exit code 0 when the fleet converged and the books agree, else 1.
"""

import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from autoscaler.cli.demo_screen import Screen
from autoscaler.clock import SystemClock
from autoscaler.simulator.demo_files import DEMO
from autoscaler.simulator.scenario import load_scenario
from autoscaler.simulator.stage import Stage, Verdict
from autoscaler.telemetry.log_format import configure_logging

_SETTLED_FOR = 4.0
_LAST_SCENE = 30.0


@click.command("demo")
@click.option("--forever", is_flag=True, help="Keep running after the fleet has converged, until SIGINT or SIGTERM.")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=90.0, show_default=True, help="Give up after this time."
)
@click.option(
    "--directory", type=click.Path(file_okay=False, path_type=Path), help="Keep the configuration and the ledger here."
)
def command(forever: bool, seconds: float, directory: Path | None) -> None:  # click passes flags so
    """Run simulator, daemon and SQLite together: a surge, decisions, orders, nodes that join. About a minute."""
    configure_logging("auto", "error", sys.stderr)
    with ExitStack() as stack:
        folder = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autoscaler-demo-")))
        if (folder / "ledger.db").exists():
            click.echo(f"{folder} holds the ledger of an earlier demo; name another directory", err=True)
            raise click.exceptions.Exit(2)
        verdict = asyncio.run(_play(folder, forever, seconds))
    if verdict.problems:
        raise click.exceptions.Exit(1)


async def _play(folder: Path, forever: bool, seconds: float) -> Verdict:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = SystemClock()
    screen = Screen(clock)
    stage = Stage(load_scenario(DEMO / "scenario.yaml"), folder, clock, [screen])
    with screen:
        async with stage.running():
            screen.opening(stage)
            in_time = await _watch(stage, screen, stop, forever, seconds)
            verdict = await stage.verdict()
    if not in_time:
        late = f"the fleet did not settle within {seconds:g} s (the last scene begins after {_LAST_SCENE:g} s)"
        verdict = replace(verdict, problems=(late, *verdict.problems))
    screen.closing(verdict)
    return verdict


async def _watch(stage: Stage, screen: Screen, stop: asyncio.Event, forever: bool, seconds: float) -> bool:
    """Until converged and quiet for a while, out of time, or told to stop; with `forever` only until told to stop.

    False if time ran out first.
    """
    quiet_since: float | None = None
    while stage.alive() and not stop.is_set():
        elapsed = stage.elapsed()
        regions = stage.regions()
        screen.show(elapsed, regions)
        calm = elapsed >= _LAST_SCENE and all(state.converged for state in regions) and not screen.open_orders
        quiet_since = (quiet_since if quiet_since is not None else elapsed) if calm else None
        settled = quiet_since is not None and elapsed - quiet_since >= _SETTLED_FOR
        if not forever and settled:
            return True
        if not forever and elapsed >= seconds:
            return False
        await asyncio.sleep(0.25)
    return True
