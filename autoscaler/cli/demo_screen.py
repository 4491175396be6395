"""What the demo's audience sees: a line per thing that happens, a live table on a terminal, a summary at the end."""

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autoscaler.model.decision import Decision
from autoscaler.model.events import CapacityUnreadable, Event, OrderChanged, PlanMade
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.explain import summary
from autoscaler.ports import Clock
from autoscaler.simulator.stage import RegionState, Stage, Verdict

_HOLDS = frozenset(
    {
        Reason.ALL_VOTES_ABSTAIN,
        Reason.CAPACITY_UNKNOWN,
        Reason.ABOVE_MAXIMUM,
        Reason.ORDER_UNSETTLED,
        Reason.BACKOFF_AFTER_FAILURE,
        Reason.COOLDOWN_FROM_READY,
    }
)
_STYLES = {
    OrderState.READY: "green",
    OrderState.ACCEPTED: "cyan",
    OrderState.FAILED: "red",
    OrderState.IN_DOUBT: "bold red",
    OrderState.OVERDUE: "yellow",
    OrderState.PARTIAL: "yellow",
}


class Screen:
    """An Observer with eyes for people."""

    def __init__(self, clock: Clock, console: Console | None = None) -> None:
        self._clock = clock
        self._console = console or Console(highlight=False, soft_wrap=True, width=None if _is_terminal() else 120)
        self._started = clock.monotonic()
        self._live: Live | None = None
        self._said: dict[RegionId, tuple[Reason, int]] = {}
        self._decisions: dict[RegionId, Decision] = {}
        self._holds: dict[RegionId, Counter[Reason]] = defaultdict(Counter)
        self._open: dict[OrderId, Order] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None

    @property
    def open_orders(self) -> Sequence[Order]:
        """Orders that are not final."""
        return tuple(self._open.values())

    def notice(self, event: Event) -> None:
        """Ports.Observer: say what a person wants to know, once."""
        match event:
            case PlanMade():
                for decision in event.plan.decisions:
                    self._decided(decision)
            case OrderChanged():
                self._ordered(event.order, event.before)
            case CapacityUnreadable():
                self._say("cloud", event.detail, "red")
            case _:
                return

    def opening(self, stage: Stage) -> None:
        """Where everything is."""
        self._say(
            "simulator", f"{stage.simulator.url} (signed API calls, finite stock, {len(stage.regions())} regions)"
        )
        self._say("status", f"{stage.daemon.url}/api/v1/status   metrics: {stage.daemon.url}/metrics")
        self._say("files", str(stage.folder))
        self._say("scene", "all regions are at their target; the first surge comes after 8 s")

    def show(self, elapsed: float, regions: Sequence[RegionState]) -> None:
        """Refresh the live table; nothing when piped."""
        if self._live is not None:
            self._live.update(self._table(elapsed, regions), refresh=True)

    def closing(self, verdict: Verdict) -> None:
        """The summary: nodes bought per region, orders, what was refused or held and why, and the verdict."""
        self._console.print()
        self._console.print(self._summary(verdict))
        self._console.print("held, and why:")
        for region, holds in sorted((region, holds) for region, holds in self._holds.items() if holds):
            why = ", ".join(f"{reason} x{times}" for reason, times in holds.most_common())
            self._console.print(Text(f"  {region:<21} {why}", style="yellow"))
        self._console.print("orders:")
        for order in verdict.orders:
            nodes = f"{order.nodes} node" + ("s" if order.nodes > 1 else "")
            line = f"  {order.id}  {order.region:<21} {nodes:<8} {order.state:<8} {order.reason}"
            self._console.print(Text(f"{line}: {order.detail}" if order.detail else line, style=_style(order.state)))
        sold = sum(state.sold for state in verdict.regions)
        if verdict.problems:
            for problem in verdict.problems:
                self._console.print(Text(f"NOT CONVERGED: {problem}", style="bold red"))
            return
        text = f"CONVERGED: every region is at its target or its maximum; simulator and ledger agree on {sold} nodes."
        self._console.print(Text(text, style="bold green"))

    def _decided(self, decision: Decision) -> None:
        self._decisions[decision.region] = decision
        news = (decision.reason, decision.desired)
        before = self._said.get(decision.region)
        reasons = {step.reason for step in decision.steps} & _HOLDS
        if before == news or (before is None and reasons):  # the first readings are still on their way
            return
        self._said[decision.region] = news
        self._holds[decision.region].update(step.reason for step in decision.steps if step.reason in reasons)
        if decision.delta or reasons or (before and before[1] != decision.desired):
            self._say("order" if decision.delta else "hold", summary(decision), "" if decision.delta else "yellow")

    def _ordered(self, order: Order, before: OrderState | None) -> None:
        if order.state.final:
            self._open.pop(order.id, None)
        else:
            self._open[order.id] = order
        if before == order.state or order.state in {OrderState.PLANNED, OrderState.SUBMITTING}:
            return
        task = f" ({order.receipt.task})" if order.receipt and order.state is OrderState.ACCEPTED else ""
        detail = f": {order.detail}" if order.detail else ""
        text = f"{order.region}: +{order.nodes} {order.state}{task}: {order.reason}{detail}"
        self._say("cloud", text, _style(order.state))

    def _say(self, who: str, text: str, style: str = "") -> None:
        at = self._clock.monotonic() - self._started
        self._console.print(Text(f"{at:5.1f}s  {who:<9}  {text}", style=style))

    def _table(self, elapsed: float, regions: Sequence[RegionState]) -> Table:
        table = Table(title=f"edge fleet, {elapsed:.0f} s", title_justify="left", box=box.SIMPLE)
        for name in ("region", "requests/s", "per node", "target", "ready", "committed", "desired", "why"):
            table.add_column(name, justify="left" if name in {"region", "why"} else "right", no_wrap=True)
        for state in regions:
            decision = self._decisions.get(state.region)
            table.add_row(
                state.region,
                f"{state.demand:.0f}",
                Text("-" if state.ready == 0 else f"{state.load:.0f}", style="" if state.converged else "bold red"),
                f"{state.target:g}",
                str(state.ready),
                str(decision.committed) if decision else "-",
                str(decision.desired) if decision else "-",
                decision.reason if decision else "-",
            )
        return table

    def _summary(self, verdict: Verdict) -> Table:
        table = Table(title="summary", title_justify="left", box=box.SIMPLE)
        for name in ("region", "bought", "orders", "ready", "per node", "refused"):
            table.add_column(name, justify="left" if name in {"region", "refused"} else "right", no_wrap=True)
        for state in verdict.regions:
            mine = [order for order in verdict.orders if order.region == state.region]
            refused = [order for order in mine if order.state is OrderState.FAILED]
            table.add_row(
                state.region,
                str(state.sold),
                str(len(mine)),
                str(state.ready),
                f"{state.load:.0f} of {state.target:g}",
                ", ".join(order.reason for order in refused) or "-",
            )
        return table


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _style(state: OrderState) -> str:
    return _STYLES.get(state, "")
