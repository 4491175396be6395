"""`python -m bench [ONLY]`: run the rows, print the table, write build/bench.json."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.report import table, write_json
from bench.rows import SPECS, chosen
from bench.stages import run_stages

_ROOT = Path(__file__).parent.parent


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """What was asked for. Exits with status 2 if it is not understood."""
    parser = argparse.ArgumentParser(prog="bench", description="Our metrics intake against the newest real Prometheus.")
    parser.add_argument("only", nargs="?", default="", help="a row, or the first word of several; all if not given")
    parser.add_argument("--json", type=Path, default=_ROOT / "build" / "bench.json", help="where the numbers go")
    parser.add_argument("--list", action="store_true", help="list the rows and their goals, run nothing")
    asked = parser.parse_args(given)
    try:
        asked.rows = chosen(asked.only)
    except ValueError as error:
        parser.error(str(error))
    return asked


def machine() -> str:
    """What the numbers were measured on, in a line."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"CPython {platform.python_version()}, load {load} at the beginning"
    )


def main(given: Sequence[str]) -> int:
    """0 if every row has numbers, whatever they are: this is a benchmark and no test; else 1."""
    asked = arguments(given)
    if asked.list:
        _say("\n".join(f"{spec.name:18} {spec.goal!s:16} {spec.unit:15} {spec.what}" for spec in SPECS.values()))
        return 0
    began = time.monotonic()
    _say(machine())
    rows = list(run_stages(asked.rows, _say))
    write_json(rows, asked.json)
    _say(f"\n{table(rows)}\n\n{time.monotonic() - began:.0f} s; {asked.json}")
    return int(any(row.failed for row in rows))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
