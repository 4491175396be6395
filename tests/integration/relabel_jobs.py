"""Scrape jobs with rules by the dice, in Prometheus' own keys, for a real Prometheus and for us.

A seed and a folder come in; jobs, the files that they name and the lists that they fetch go out. Every target has a
path of its own, so that no two share a URL. Left out is what Prometheus 2 and 3 do differently (see sources/targets.py
and sources/relabel.py), and what only we refuse.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABEL = "ens_region_id"
PATH = "__metrics_path__"

Block = dict[str, Any]
"""A scrape_config, or a group of targets."""

_VALUES = [
    "x",
    "foo",
    "foo;bar",
    "Foo-1",
    "10.1.2.3:9100",
    "a/b c&d=e",
    "$1",
    "Stra\N{LATIN SMALL LETTER SHARP S}e",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\N{GREEK CAPITAL LETTER SIGMA}",
    "\N{LATIN SMALL LIGATURE FI}\N{LATIN SMALL LETTER DZ WITH CARON}",
    "\N{GREEK SMALL LETTER ALPHA WITH YPOGEGRAMMENI}\u672c",
    "__meta_x",
    "0",
]
_NAMES = ["a", "b", "c", "rack", "__tmp", "__meta_x", "__meta_y", "instance", "job", "__param_module", "__param_new"]
_SOURCES = [*_NAMES, LABEL, "__address__", "__scheme__", "__scrape_interval__", "absent", PATH]
_EXPRESSIONS = [
    "(.*)",
    "(.+)",
    "",
    "foo",
    "f(o+)(;.*)?",
    "(.)(.*)",
    "(?i)(F)oo.*",
    "([^:;]+):(\\d+)",
    "(?P<first>[^;]*);?(?P<rest>.*)",
    "x|foo",
    "f)|(x",
    "[\u0080-\U0000ffff].*|.*e",
    "\\w+",
    ".*\\d",
]
_REPLACEMENTS = ["$1", "${1}", "$1x", "${2}-$1", "fixed", "$$", "<$0|$2>", "$first:${rest}", "$ ${ ${1 $", "a b"]
_MAPPED = ["a|b", "__meta_(.+)", "(.)", "__param_(.*)", "r(ac)k", "(__tmp|c)"]
_LOST = ["a", "a|b|c", "__meta_.*", "(rack|__tmp)", "__param_.*", "instance"]
_LEFT = ["__.*|job|instance|ens_.*|[a-z]", "__.*|ens_.*", "(?:__|ens_|j|r).*"]


@dataclass
class Jobs:
    """What was made up: `lists` is what an http_sd server has to answer at each path."""

    blocks: list[Block] = field(default_factory=list)
    lists: dict[str, list[Block]] = field(default_factory=dict)


class Dice:
    """Makes up jobs. The same seed makes up the same ones."""

    def __init__(self, seed: int, folder: Path, sd_url: str) -> None:
        self._dice = random.Random(seed)  # noqa: S311  # no secret depends on it
        self._folder = folder
        self._sd_url = sd_url
        self._made = 0
        self.jobs = Jobs()

    def job(self, name: str, rules: list[Block] | None = None, **settings: object) -> None:
        """One more job, with targets from everywhere; its rules are by the dice if none are given."""
        pick = self._dice
        self._list(f"/{name}", self._groups(3))
        (self._folder / f"{name}-one.json").write_text(json.dumps(self._groups(3)), encoding="utf-8")
        (self._folder / f"{name}-more.yml").write_text(_yaml(self._groups(2)), encoding="utf-8")
        block: Block = {
            "job_name": name,
            "metrics_path": "/unused",
            "static_configs": self._groups(3),
            "file_sd_configs": [{"files": [f"{self._folder}/{name}-*.json", f"{self._folder}/{name}-more.yml"]}],
            "http_sd_configs": [{"url": f"{self._sd_url}/{name}", "refresh_interval": "1h"}],
            "relabel_configs": [self._rule() for _ in range(pick.randint(1, 6))] if rules is None else rules,
            **settings,
        }
        if pick.random() < 0.5:
            block["params"] = {"module": ["icmp", "tcp &"], "match[]": ['{a="b"}'], "empty": [""], "none": []}
        if pick.random() < 0.3:
            block["scheme"] = "https"
        if pick.random() < 0.3:
            block |= {"scrape_interval": "2m30s", "scrape_timeout": "1500ms"}
        self.jobs.blocks.append(block)

    def _list(self, path: str, groups: list[Block]) -> None:
        self.jobs.lists[path] = groups

    def _groups(self, most: int) -> list[Block]:
        return [self._group() for _ in range(most)]

    def _group(self) -> Block:
        pick = self._dice
        self._made += 1
        port = 2 + self._made % 1000
        address = pick.choice([f"127.0.0.1:{port}", "127.0.0.1", f"[::1]:{port}", "[::1]", f"localhost:{port}"])
        labels = {name: pick.choice(_VALUES) for name in pick.sample(["a", "b", "c", "rack", "__meta_x"], 3)}
        labels |= {LABEL: pick.choice(["cn-x", "cn-y"]), PATH: f"/m/{self._made} {pick.choice(['', 'a?b=c', '#'])}"}
        if pick.random() < 0.2:
            labels |= pick.choice(
                [{"__scheme__": "https"}, {"job": "mine"}, {"instance": "me"}, {"__param_own": "1&2"}, {"a": ""}]
            )
        return {"targets": [address], "labels": labels}

    def _rule(self) -> Block:
        pick = self._dice
        sources = pick.sample(_SOURCES, pick.randint(0, 2)) or ["a"]
        target = pick.choice([*_NAMES, LABEL])
        regex = pick.choice(_EXPRESSIONS)
        rule: Block = {"action": pick.choice(_ACTIONS)}
        if rule["action"] in {"keep", "drop"}:
            rule |= {"source_labels": sources, "regex": regex}
        elif rule["action"] in {"keepequal", "dropequal"}:
            rule |= {"source_labels": sources[:1], "target_label": pick.choice(["a", "b", "c"])}
        elif rule["action"] in {"lowercase", "uppercase"}:
            rule |= {"source_labels": sources, "target_label": target}
        elif rule["action"] == "hashmod":
            rule |= {"source_labels": sources, "target_label": target, "modulus": pick.choice([1, 7, 2**63, 2**64 - 1])}
        elif rule["action"] == "labelmap":
            rule |= {"regex": pick.choice(_MAPPED), "replacement": pick.choice(["$1", "m_$1", "${1}_x", "b"])}
        elif rule["action"] in {"labeldrop", "labelkeep"}:
            rule["regex"] = pick.choice(_LOST if rule["action"] == "labeldrop" else _LEFT)
        elif pick.random() < 0.2:
            rule |= {"source_labels": sources, "regex": regex, "target_label": "x_${1}", "replacement": "set"}
        else:
            rule |= {"source_labels": sources, "regex": regex, "target_label": target}
            rule |= pick.choice([{}, {"replacement": pick.choice(_REPLACEMENTS)}, {"replacement": ""}])
        if rule["action"] in {"replace", "keep", "hashmod"} and pick.random() < 0.3:
            rule["separator"] = pick.choice(["", ",", "::"])
        return rule


_ACTIONS = [
    *["replace"] * 8,
    *["labelmap", "hashmod", "lowercase", "uppercase", "labeldrop", "labelkeep"] * 2,
    *["keep", "drop", "keepequal", "dropequal"],
]


def _yaml(groups: list[Block]) -> str:
    lines = []
    for group in groups:
        labels: Mapping[str, str] = group["labels"]
        lines.append(f"- targets: {json.dumps(group['targets'])}\n  labels:")
        lines += [f"    {name}: {json.dumps(value)}" for name, value in labels.items()]
    return "\n".join(lines) + "\n"
