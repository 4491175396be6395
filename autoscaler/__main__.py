"""`python -m autoscaler` and the `autoscaler` command."""

from autoscaler.cli import cli


def main() -> None:
    """Run the command line; exits the process."""
    cli(prog_name="autoscaler")


if __name__ == "__main__":
    main()
