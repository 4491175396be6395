"""The command line: one verb per file. Verbs parse options, call the rooms below, and turn errors into exit codes."""

import click

from autoscaler import __version__
from autoscaler.cli.check import command as check
from autoscaler.cli.demo import command as demo
from autoscaler.cli.orders import command as orders
from autoscaler.cli.release import command as release
from autoscaler.cli.run import command as run
from autoscaler.cli.simulate import command as simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autoscaler")
def cli() -> None:
    """Scale the ENS nodes of an ACK edge cluster by edge workload metrics. It never buys twice."""


for verb in (run, check, orders, release, simulate, demo):
    cli.add_command(verb)
