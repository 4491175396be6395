"""The table and build/bench.json. Rows come in, text goes out."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench.arithmetic import median
from bench.rows import Row

_HEAD = ("row", "ours", "peer", "unit", "peer/ours", "goal", "", "RSS MB ours/peer", "missed ours/peer", "against")


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned columns, and under them why a row has no numbers."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, *(f"{row.spec.name}: {row.failed}" for row in rows if row.failed)])


def write_json(rows: Sequence[Row], path: Path) -> None:
    """One object a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "met", False: "MISSED", None: "-"}[row.met]
    return (
        row.spec.name,
        _number(median(row.ours)) if row.ours else "-",
        _number(median(row.peers)) if row.peers else "-",
        row.spec.unit,
        "-" if row.ratio is None else f"{row.ratio:.1f}",
        str(row.spec.goal),
        met,
        _pair(row, "rss_mb"),
        _pair(row, "missed"),
        row.peer,
    )


def _pair(row: Row, name: str) -> str:
    ours, peer = row.more.get(f"{name}_ours"), row.more.get(f"{name}_peer")
    if ours is None and peer is None:
        return ""
    return " / ".join("-" if value is None else f"{value:.0f}" for value in (ours, peer))


def _number(value: float) -> str:
    """Three figures that matter, thousands with a comma."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
