"""`autoscaler orders` and `autoscaler release`, as people run them on a real ledger: beside an owner, and without."""

import asyncio
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from autoscaler.cli import cli
from autoscaler.ledger.file import Access
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.names import ClusterId, InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.simulator.demo_files import lay_out
from tests.integration.daemon import until

WITHIN = 20.0
AT = 1_700_000_000.0
REGION = RegionId("cn-beijing-cmcc-2")
"""A region of the demo's fleet."""
QUIET = "cn-xian-unicom"
"""Another one, without orders."""
DOUBT = OrderId("o-20231114-221320-aaaaaaaaaa")
LATE = OrderId("o-20231114-221321-bbbbbbbbbb")
READY = OrderId("o-20231114-221322-cccccccccc")
WAITING = OrderId("o-20231114-221323-dddddddddd")
SENT = OrderId("o-20231114-221324-eeeeeeeeee")
COMING = OrderId("o-20231114-221325-ffffffffff")
STATES = {
    DOUBT: (OrderState.SUBMITTING, OrderState.IN_DOUBT),
    LATE: (OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.OVERDUE),
    READY: (OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.READY),
    WAITING: (),
    SENT: (OrderState.SUBMITTING,),
    COMING: (OrderState.SUBMITTING, OrderState.ACCEPTED),
}
WHY = ("--reason", "no task and no instance")


def an_order(name: OrderId, number: int) -> Order:
    region = RegionId(REGION if name == DOUBT else f"cn-test-{number}")
    operation = ScaleOutCluster(
        ClusterId("c" + "0" * 32), "small", region, "ens.sn1.small", "m-1", "95BandwidthByMonth", 1, 40
    )
    at = AT + number
    return Order(name, 7, region, operation, 2, at, at + 900, cost=Money(24_050))


async def fill(ledger: SqliteLedger) -> None:
    """One order per state."""
    for number, (name, states) in enumerate(STATES.items()):
        order = an_order(name, number)
        await ledger.add(order)
        for state in states:
            reason = Reason.OUTCOME_UNKNOWN if state is OrderState.IN_DOUBT else Reason.API_ACCEPTED
            receipt = Receipt(TaskId("T-1"), "REQ-1") if state is OrderState.ACCEPTED else order.receipt
            after = order.moved(state, reason, AT + 60, "the answer was lost", receipt=receipt)
            await ledger.replace(order, after, AT + 60)
            order = after


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose ledger holds one order per state."""

    async def make() -> None:
        ledger = await SqliteLedger.connect(tmp_path / "ledger.db")
        await fill(ledger)
        await ledger.close()

    path = lay_out(tmp_path, "http://127.0.0.1:1")
    asyncio.run(make())
    return path


def run(config: Path, *words: str) -> Result:
    """The command in this process; no traceback, and one line at most for an error."""
    verb, *rest = words
    result = CliRunner().invoke(cli, [verb, "--config", str(config), *rest])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def refused(config: Path, *words: str) -> str:
    """The one line with which it is refused; the ledger has no act afterwards that it had not before."""
    before = acts_in(config)
    result = run(config, *words)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert acts_in(config) == before
    return line


def acts_in(config: Path) -> list[Act]:
    async def read() -> list[Act]:
        ledger = await SqliteLedger.connect(config.parent / "ledger.db", access=Access.READER)
        try:
            return list(await ledger.acts())
        finally:
            await ledger.close()

    return asyncio.run(read())


def order_in(config: Path, order: OrderId) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(config, "orders", "show", order, "-o", "json").stdout)
    return document


def test_the_list_has_every_order_newest_first_with_state_reason_cost_and_detail(config: Path) -> None:
    result = run(config, "orders")
    lines = [line for line in result.stdout.splitlines() if line.startswith("o-")]
    assert (result.exit_code, [line.split()[0] for line in lines]) == (0, list(reversed(STATES)))
    words = lines[-1].split()
    assert words[:6] == [DOUBT, REGION, "ens.sn1.small", "2", "in_doubt", "OutcomeUnknown"]
    assert words[7:] == ["240.50", "the", "answer", "was", "lost"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--state", "in_doubt"), [DOUBT]),
        (("--state", "in_doubt", "--state", "overdue"), [LATE, DOUBT]),
        (("--region", REGION), [DOUBT]),
        (("--limit", "2"), [COMING, SENT]),
        (("--state", "planned", "--state", "ready", "--limit", "1"), [WAITING]),
        (("--region", QUIET), []),
        (("--region", REGION, "--state", "ready"), []),
    ],
)
def test_the_list_is_what_was_asked_for(config: Path, options: tuple[str, ...], expected: list[str]) -> None:
    result = run(config, "orders", *options, "-o", "json")
    assert (result.exit_code, [order["id"] for order in json.loads(result.stdout)]) == (0, expected)


def test_json_has_what_scripts_need(config: Path) -> None:
    (order,) = json.loads(run(config, "orders", "--state", "overdue", "-o", "json").stdout)
    told = {
        key: order[key]
        for key in ("cost", "charged", "nodes", "type", "created_at", "task", "request_id", "for_region")
    }
    assert told == {
        "cost": 240.5,
        "charged": 240.5,
        "nodes": 2,
        "type": "ens.sn1.small",
        "created_at": AT + 1,
        "task": "T-1",
        "request_id": "REQ-1",
        "for_region": None,
    }


def test_no_orders_are_said_to_be_none(config: Path) -> None:
    assert run(config, "orders", "--region", QUIET).stdout == "no orders\n"


@pytest.mark.parametrize(
    ("region", "likely"),
    [
        ("cn-test-11", "did you mean 'cn-test-1'?"),
        ("cn-xian-unicon", "did you mean 'cn-xian-unicom'?"),
        ("nope", "regions are: cn-beijing-cmcc-2, cn-chengdu-cmcc, "),
    ],
)
def test_orders_of_a_region_that_nobody_knows_are_refused_with_the_likely_one(
    config: Path, region: str, likely: str
) -> None:
    for output in ("text", "json"):
        line = refused(config, "orders", "--region", region, "-o", output)
        assert line.startswith(f"neither the fleet nor the ledger has a region {region!r}; {likely}")


def test_a_region_that_left_the_fleet_is_known_by_its_orders_and_its_nodes(config: Path) -> None:
    async def remember() -> None:
        ledger = await SqliteLedger.connect(config.parent / "ledger.db")
        await ledger.remember({InstanceId("i-1"): RegionId("cn-once-1")}, AT)
        await ledger.close()

    asyncio.run(remember())
    assert run(config, "orders", "--region", "cn-once-1").stdout == "no orders\n"
    for region in ("cn-once-1", "cn-test-1"):
        assert run(config, "release", region, *WHY).exit_code == 0


def break_policies(config: Path) -> None:
    """Every way in which a policy directory can be wrong: a typo, text that is no YAML, a fleet that is half right."""
    policies = config.parent / "policies"
    edge, fleet = policies / "edge-requests.yaml", policies / "fleet.yaml"
    edge.write_text(edge.read_text(encoding="utf-8").replace("maxNodes:", "maxNode:"), encoding="utf-8")
    fleet.write_text(fleet.read_text(encoding="utf-8").replace("clusterId", "clusterIdd"), encoding="utf-8")
    (policies / "torn.yaml").write_text("kind: [Fleet\n", encoding="utf-8")


@pytest.mark.parametrize("subject", [EVERYWHERE, REGION, QUIET, "cn-test-1"])
def test_a_broken_policy_does_not_bar_a_release(config: Path, subject: str) -> None:
    break_policies(config)
    result = run(config, "release", subject, "--reason", "mended")
    assert (result.exit_code, result.stderr, "released" in result.stdout) == (0, "", True)


def test_without_any_policy_directory_the_ledger_says_which_regions_there_are(config: Path) -> None:
    shutil.rmtree(config.parent / "policies")
    assert run(config, "release", EVERYWHERE, *WHY).exit_code == 0
    assert run(config, "release", "cn-test-1", *WHY).exit_code == 0
    line = refused(config, "release", QUIET, *WHY)
    assert line.startswith(f"neither the fleet nor the ledger has a region {QUIET!r}; regions are: cn-beijing-cmcc-2, ")
    assert line.endswith("; the policy directory has mistakes: see `autoscaler check`")


def test_a_region_that_nobody_knows_is_not_released_by_a_broken_policy_directory(config: Path) -> None:
    break_policies(config)
    line = refused(config, "release", "cn-xian-unicon", *WHY)
    assert "did you mean 'cn-xian-unicom'?; the policy directory has mistakes" in line


RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


@pytest.mark.parametrize(
    ("since", "regions", "charged"),
    [
        (AT, "^cn-test-", 5 * 240.5),
        (AT + 4, "^cn-test-", 2 * 240.5),
        (AT, "", 6 * 240.5),
        (AT, "^cn-elsewhere", 0),
    ],
)
def test_the_runbook_sums_up_what_budgets_count(config: Path, since: float, regions: str, charged: float) -> None:
    assert shutil.which("jq"), "jq is not installed (Debian package jq)"
    (pipe,) = re.findall(r"\| jq --argjson since \"\$SINCE\" \\\n  '(.+)'\n", RUNBOOK.read_text(encoding="utf-8"))
    listed = run(config, "orders", "--limit", "1000000", "-o", "json").stdout
    words = ["jq", "--argjson", "since", str(int(since)), pipe.replace("^cn-beijing-", regions)]
    told = subprocess.run(words, input=listed, capture_output=True, text=True, timeout=WITHIN, check=True)
    assert float(told.stdout) == charged


def test_an_order_is_shown_with_every_step(config: Path) -> None:
    result = run(config, "orders", "show", LATE)
    assert result.exit_code == 0
    for told in ("overdue: ApiAccepted", "T-1", "REQ-1", "240.50", "planned", "submitting"):
        assert told in result.stdout
    steps = [(step["before"], step["after"], step["request_id"]) for step in order_in(config, LATE)["history"]]
    assert steps == [
        (None, "planned", ""),
        ("planned", "submitting", ""),
        ("submitting", "accepted", "REQ-1"),
        ("accepted", "overdue", "REQ-1"),
    ]


def test_the_configuration_may_be_named_after_the_verb_as_well(config: Path) -> None:
    result = CliRunner().invoke(cli, ["orders", "show", LATE, "--config", str(config)])
    assert (result.exit_code, LATE in result.stdout) == (0, True)


def test_an_order_in_doubt_is_resolved_without_a_daemon_by_the_daemons_own_code(config: Path) -> None:
    result = run(config, "orders", "resolve", DOUBT, "--as", "not-bought", *WHY)
    assert (result.exit_code, result.stderr) == (0, "")
    order = order_in(config, DOUBT)
    assert (order["state"], order["reason"]) == ("failed", "ResolvedNotBought")
    (act,) = order["acts"]
    assert (act["by"], act["reason"], act["kind"]) == (getpass.getuser(), WHY[1], "resolve_not_bought")
    assert act["done_at"] is not None
    assert act["outcome"] in result.stdout


def test_an_overdue_order_is_resolved_as_bought(config: Path) -> None:
    assert run(config, "orders", "resolve", LATE, "--as", "bought", *WHY).exit_code == 0
    assert (order_in(config, LATE)["state"], order_in(config, LATE)["reason"]) == ("abandoned", "ResolvedBought")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (READY, "is ready: it is settled since 2023-11-14 22:14:20Z and never changes"),
        (WAITING, "is planned: it has not been sent, so nothing was bought"),
        (SENT, "is submitting: its call is under way"),
        (COMING, "is accepted: it was bought and its nodes are on their way; it is overdue from 2023-11-14 22:28:25Z"),
    ],
)
def test_an_order_that_settles_itself_is_not_resolved_by_hand(config: Path, order: OrderId, why: str) -> None:
    assert f"order {order} {why}" in refused(config, "orders", "resolve", order, "--as", "bought", *WHY)


def test_an_unknown_order_is_refused_with_the_nearest_ones(config: Path) -> None:
    line = refused(config, "orders", "resolve", "o-20231114-221320-aaaaaaaaab", "--as", "bought", *WHY)
    assert line.startswith(f"no order 'o-20231114-221320-aaaaaaaaab' in the ledger; did you mean {DOUBT}")
    assert f"did you mean {LATE}?" in refused(config, "orders", "show", "bbbbbbbbbb")


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "resolve", DOUBT, "--as", "bought"),
        ("orders", "resolve", DOUBT, "--as", "bought", "--reason", "  \t"),
        ("orders", "resolve", DOUBT, "--as", "perhaps", *WHY),
        ("orders", "resolve", DOUBT, *WHY),
        ("orders", "resolve", DOUBT, "--as", "bought", *WHY, "--wait", "soon"),
        ("orders", "--state", "lost"),
        ("orders", "--limit", "0"),
        ("release", REGION),
        ("release", *WHY),
    ],
    ids=" ".join,
)
def test_what_is_not_a_sentence_of_the_command_is_a_usage_error(config: Path, words: tuple[str, ...]) -> None:
    assert run(config, *words).exit_code == 2
    assert acts_in(config) == []


def test_a_region_is_released_and_so_is_everything(config: Path) -> None:
    for subject in (REGION, EVERYWHERE):
        result = run(config, "release", subject, "--reason", "mended")
        assert (result.exit_code, "released" in result.stdout) == (0, True)
    acts = [(act.kind, act.subject, act.reason, act.done_at is not None) for act in acts_in(config)]
    assert acts == [
        (ActKind.RELEASE, REGION, "mended", True),
        (ActKind.RELEASE, EVERYWHERE, "mended", True),
    ]


def test_a_region_that_nobody_knows_is_refused_with_the_likely_one(config: Path) -> None:
    line = refused(config, "release", "cn-beijing-cmc-2", "--reason", "mended")
    assert line == "neither the fleet nor the ledger has a region 'cn-beijing-cmc-2'; did you mean 'cn-beijing-cmcc-2'?"


def test_no_ledger_is_a_line_and_none_is_made(tmp_path: Path) -> None:
    config = lay_out(tmp_path, "http://127.0.0.1:1")
    for words in (
        ("orders",),
        ("orders", "show", DOUBT),
        ("orders", "resolve", DOUBT, "--as", "bought", *WHY),
        ("release", REGION, *WHY),
    ):
        result = run(config, *words)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
        assert "there is no such file" in result.stderr
    assert not (tmp_path / "ledger.db").exists()


def test_a_broken_policy_hides_no_order(config: Path) -> None:
    (config.parent / "policies" / "broken.yaml").write_text("kind: Nonsense\n", encoding="utf-8")
    assert run(config, "orders", "--state", "in_doubt", "-o", "json").exit_code == 0


def test_a_broken_configuration_is_told_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "autoscaler.yaml"
    config.write_text("web: {prt: 80}\n", encoding="utf-8")
    result = run(config, "orders")
    assert (result.exit_code, "did you mean 'port'" in result.stderr) == (1, True)


class Owner:
    """What a daemon is to these commands: the process that owns the ledger, and closes acts when it is told to."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self.ledger = ledger

    async def filed(self) -> Act:
        """The first act that waits."""

        async def is_filed() -> bool:
            return any(act.done_at is None for act in await self.ledger.acts())

        await until(is_filed, "an act is filed")
        return next(act for act in await self.ledger.acts() if act.done_at is None)


@asynccontextmanager
async def owner(config: Path) -> AsyncIterator[Owner]:
    ledger = await SqliteLedger.connect(config.parent / "ledger.db")
    try:
        yield Owner(ledger)
    finally:
        await ledger.close()


@asynccontextmanager
async def command(config: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process, every warning an error; it is ended by its pid if it has not ended."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUTOSCALER_")}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "error", "-m", "autoscaler", *words),
        env={**inherited, "AUTOSCALER_CONFIG": str(config)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()


async def ended(child: asyncio.subprocess.Process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(child.communicate(), WITHIN)
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def test_beside_a_daemon_the_act_is_filed_and_its_outcome_waited_for(config: Path) -> None:
    async with (
        owner(config) as daemon,
        command(config, "orders", "resolve", DOUBT, "--as", "bought", "--reason", "seen in\nthe console") as child,
    ):
        act = await daemon.filed()
        assert (act.kind, act.subject, act.reason) == (ActKind.RESOLVE_BOUGHT, DOUBT, "seen in the console")
        assert (await daemon.ledger.get(DOUBT)).state is OrderState.IN_DOUBT  # the command itself moves no order
        assert child.returncode is None
        await daemon.ledger.close_act(act.id, AT + 99, "order is accepted")
        assert await ended(child) == (0, f"act {act.id}: order is accepted\n", "")


async def test_an_act_that_the_daemon_refuses_is_a_failure(config: Path) -> None:
    async with owner(config) as daemon, command(config, "release", REGION, "--reason", "mended") as child:
        act = await daemon.filed()
        await daemon.ledger.close_act(act.id, AT + 99, "refused: no such thing")
        assert await ended(child) == (1, "", f"act {act.id}: refused: no such thing\n")


async def test_a_daemon_that_does_not_carry_it_out_in_time_is_told_and_the_act_stays(config: Path) -> None:
    words = ("orders", "resolve", DOUBT, "--as", "bought", *WHY, "--wait", "300ms")
    async with owner(config) as daemon:
        for _ in range(2):  # asking twice is asking once
            async with command(config, *words) as child:
                code, out, err = await ended(child)
            assert (code, out, len(err.splitlines())) == (1, "", 1)
            assert "act 1 is filed and was not carried out within 0.3 s" in err
        async with command(config, "orders", "resolve", DOUBT, "--as", "not-bought", *WHY, "--wait", "0s") as child:
            code, out, err = await ended(child)
        assert (code, out) == (1, "")
        assert err == f"act 1 of {getpass.getuser()} says the contrary and waits to be carried out: resolve_bought\n"
        assert [act.id for act in await daemon.ledger.acts()] == [1]


async def test_without_waiting_the_act_is_only_filed(config: Path) -> None:
    async with owner(config) as daemon, command(config, "release", EVERYWHERE, *WHY, "--wait", "0s") as child:
        assert await ended(child) == (0, "act 1 is filed and waits for the daemon\n", "")
        assert replace(await daemon.filed(), at=0.0) == Act(
            ActKind.RELEASE, EVERYWHERE, WHY[1], getpass.getuser(), 0.0, 1
        )


async def test_looking_disturbs_no_daemon(config: Path) -> None:
    async with owner(config) as daemon, command(config, "orders", "--state", "planned", "-o", "json") as child:
        code, out, err = await ended(child)
        assert (code, err, [order["id"] for order in json.loads(out)]) == (0, "", [WAITING])
        before = await daemon.ledger.get(WAITING)
        await daemon.ledger.replace(before, before.moved(OrderState.SUBMITTING, Reason.SENDING, AT), AT)
