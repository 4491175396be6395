"""`autoscaler check`: judge a configuration without running it.

The path of autoscaler.yaml comes in; a summary, or every problem one per line, goes out. It starts nothing and calls
nobody. Exit codes: 0 all is well, 1 there are problems, 2 there is no such file.
"""

import sys
from pathlib import Path

import click

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.root import load


@click.command(name="check")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("config/autoscaler.yaml"),
    show_default=True,
    help="Path of autoscaler.yaml.",
)
def command(config: Path) -> None:
    """Judge a configuration: every problem of every file, with its line."""
    try:
        loaded = load(config)
    except ConfigurationRefused as refused:
        for problem in refused.problems:
            click.echo(problem, err=True)
        click.echo(_counted(len(refused.problems), "problem"), err=True)
        sys.exit(1)
    policies = len({policy.name for policy in loaded.policies.values()})
    counts = (
        _counted(policies, "policy", "policies"),
        _counted(len(loaded.templates), "template"),
        _counted(len(loaded.operations), "region"),
    )
    click.echo(f"OK: {', '.join(counts)}")
    for notice in loaded.notices:
        click.echo(f"notice: {notice}")


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
