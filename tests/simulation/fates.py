"""What becomes of the purchases that do not go as ordered: which script the vendor follows, drawn from the seed."""

from collections.abc import Callable
from random import Random

from autoscaler.simulator.script import Join, NodeFate, PurchaseScript
from autoscaler.simulator.script_queue import Improvise
from tests.simulation.story import Story

ODD_PURCHASES = (
    "fewer made",
    "more made",
    "none made",
    "task failed, nodes made",
    "partial task",
    "sold out in the task",
    "sold out at once",
    "task never ends",
    "task vanishes",
    "task paused",
    "task canceled",
    "task in an unknown state",
    "nodes never join",
    "nodes fail to join",
    "nodes stay initial",
    "nodes come late",
    "nodes flap",
)


def improviser(chance: Random, share: float, quiet_from: float, now: Callable[[], float], story: Story) -> Improvise:
    """Decides purchases: `share` (0 to 1) of them are odd until `quiet_from`."""

    def improvise(region: str, number: int) -> PurchaseScript | None:
        if now() >= quiet_from or chance.random() >= share:
            return None
        kind = chance.choice(ODD_PURCHASES)
        story.count(f"purchase: {kind}")
        story.tell(f"purchase {number}, in {region}: {kind}")
        return _script(kind, chance)

    return improvise


def _script(kind: str, chance: Random) -> PurchaseScript:  # noqa: C901  # one line for each kind
    match kind:
        case "fewer made":
            return PurchaseScript(made=1)
        case "more made":
            return PurchaseScript(made=chance.randint(3, 8))
        case "none made":
            return PurchaseScript(made=0, task=chance.choice(("fail", "failed", "success")))
        case "task failed, nodes made":
            return PurchaseScript(task=chance.choice(("fail", "failed")))
        case "partial task":
            return PurchaseScript(
                task=chance.choice(("success", "fail")), nodes=(_joins("ready"), _joins("failed", "failed"))
            )
        case "sold out in the task":
            return PurchaseScript(out_of_stock="fail_task")
        case "sold out at once":
            return PurchaseScript(out_of_stock="refuse")
        case "task never ends":
            return PurchaseScript(task="running")
        case "task vanishes":
            return PurchaseScript(vanishes_after=chance.choice((0.0, 20.0, 200.0)))
        case "task paused":
            return PurchaseScript(meanwhile=((5.0, chance.uniform(30, 900), "paused"),))
        case "task canceled":
            return PurchaseScript(task="canceled", made=chance.choice((None, 0)))
        case "task in an unknown state":
            return PurchaseScript(task="reticulating")
        case "nodes come late":
            return PurchaseScript(nodes=(NodeFate(join_seconds=chance.uniform(600, 3600)),))
        case "nodes flap":
            down = chance.uniform(30, 300)
            return PurchaseScript(nodes=(NodeFate(status=((down, "NotReady"), (2 * down, "Ready")), repeat=3 * down),))
        case _:
            words: dict[str, Join] = {"nodes never join": "never", "nodes fail to join": "failed"}
            return PurchaseScript(nodes=(_joins(words.get(kind, "initial")),))


def _joins(how: Join, result: str | None = None) -> NodeFate:
    return NodeFate.model_validate({"join": how, "result": result})
