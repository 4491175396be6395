"""Whatever happens to orders, and whatever they hold: the state machine, the rows, and both ledgers keep their word."""

import asyncio
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from autoscaler.ledger.codec import decode_event, decode_order, encode_event, encode_order
from autoscaler.ledger.file import MIGRATIONS
from autoscaler.ledger.memory import MemoryLedger
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.ledger.statements import HISTORY, INSERT_EVENT, INSERT_ORDER, ORDER
from autoscaler.model.act import Act
from autoscaler.model.errors import AutoscalerError, BudgetExceeded, IllegalTransition, LedgerError, StaleOrder
from autoscaler.model.names import InstanceId, Money, OrderId, RegionId
from autoscaler.model.operation import (
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.model.order import TRANSITIONS, Baseline, Order, OrderEvent, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Ledger
from tests.unit.ledger.builders import NOW, planned, raw, release

STATES = st.sampled_from(OrderState)
TIMES = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES: st.SearchStrategy[Any] = TEXTS
COUNTS = st.integers(0, 2**63 - 1)
INSTANCES = st.frozensets(NAMES, max_size=4)
OPERATIONS = st.builds(
    ScaleOutCluster,
    cluster=NAMES,
    template=TEXTS,
    ens_region_id=NAMES,
    worker_instance_type=TEXTS,
    worker_image_id=TEXTS,
    ens_internet_charge_type=TEXTS,
    worker_period=COUNTS,
    worker_system_disk_size=COUNTS,
    worker_data_disk_size=COUNTS,
    worker_auto_renew=st.booleans(),
    worker_auto_renew_period=st.none() | COUNTS,
    timeout_mins=st.none() | COUNTS,
)
POOL_OPERATIONS = [
    st.builds(
        kind,
        cluster=NAMES,
        pool=NAMES,
        template=TEXTS,
        ens_region_id=NAMES,
        worker_instance_type=TEXTS,
        ens_internet_charge_type=TEXTS,
        worker_period=COUNTS,
        worker_system_disk_size=COUNTS,
        worker_data_disk_size=COUNTS,
    )
    for kind in (ScaleClusterNodePool, ModifyClusterNodePool, EnsScaleClusterNodePool)
]
ORDERS = st.builds(
    Order,
    id=NAMES,
    tick=COUNTS,
    region=NAMES,
    operation=st.one_of(OPERATIONS, *POOL_OPERATIONS),
    nodes=st.integers(1, 10_000),
    created_at=TIMES,
    deadline=TIMES,
    state=STATES,
    reason=st.sampled_from(Reason),
    detail=TEXTS,
    attempt=COUNTS,
    receipt=st.none() | st.builds(Receipt, task=st.none() | NAMES, request_id=TEXTS),
    baseline=st.none() | st.builds(Baseline, instances=INSTANCES, at=TIMES, pool_size=st.none() | COUNTS),
    instances=INSTANCES,
    submitted_at=st.none() | TIMES,
    settled_at=st.none() | TIMES,
    term=COUNTS,
    version=COUNTS,
    desired=COUNTS,
    cost=COUNTS,
    for_region=st.none() | NAMES,
    in_stock=st.none() | COUNTS,
    failed_joins=COUNTS,
)
EVENTS = st.builds(
    OrderEvent,
    order=NAMES,
    at=TIMES,
    before=st.none() | STATES,
    after=STATES,
    reason=st.sampled_from(Reason),
    detail=TEXTS,
    request_id=TEXTS,
)


@given(st.lists(STATES, max_size=30))
def test_an_order_takes_legal_steps_only_and_leaves_no_final_state(path: list[OrderState]) -> None:
    order = planned()
    for to in path:
        before = order
        legal = to in TRANSITIONS[before.state] or (to is before.state and not before.state.final)
        try:
            order = before.moved(to, Reason.SENDING, NOW)
        except IllegalTransition:
            assert not legal
            continue
        assert legal
        assert not before.state.final
        assert order.version == before.version + 1
        assert order.state is to
        assert order.state.final == (order.settled_at is not None)
        assert (order.id, order.nodes, order.operation) == (before.id, before.nodes, before.operation)


@given(ORDERS, EVENTS)
def test_any_order_and_any_event_come_back_from_their_rows_as_they_were(order: Order, event: OrderEvent) -> None:
    assert decode_order(encode_order(order)) == order
    assert decode_event(encode_event(event)) == event
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        for name in MIGRATIONS:
            connection.executescript((files("autoscaler.ledger") / "sql" / name).read_text(encoding="utf-8"))
        connection.execute(INSERT_ORDER, encode_order(order))
        connection.execute(INSERT_EVENT, encode_event(replace(event, order=order.id)))
        assert decode_order(connection.execute(ORDER, (order.id,)).fetchone()) == order
        assert decode_event(connection.execute(HISTORY, (order.id,)).fetchone()) == replace(event, order=order.id)


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("\ud83d\udc00")))
def test_no_text_of_an_answer_is_too_broken_to_be_stored(detail: str) -> None:
    stored = encode_order(replace(planned(), detail=detail))["detail"]
    assert isinstance(stored, str)
    assert stored.encode("utf-8").decode("utf-8") == stored


class TwoLedgers(RuleBasedStateMachine):
    """The memory ledger is the model; the SQLite one, restarted at any moment, must answer as it does."""

    names = st.sampled_from(["o1", "o2", "o3", "o4"])
    regions = st.sampled_from(["r1", "r2"])

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.db"
        self.memory = MemoryLedger()
        self.known: dict[OrderId, list[Order]] = {}
        self.forgotten: Counter[RegionId] = Counter()
        self.filed: list[Act] = []
        self.at = NOW
        self._connect()

    def _connect(self) -> None:
        self.sqlite = self.runner.run(SqliteLedger.connect(self.path))
        # A rehearsal needs no power cut protection, and is much faster without.
        self.runner.run(raw(self.sqlite, "PRAGMA synchronous = OFF"))

    def teardown(self) -> None:
        self.runner.run(self.sqlite.close())
        self.runner.close()
        self.folder.cleanup()

    def _both(self, call: str, *args: Any) -> type[AutoscalerError] | None:
        """Ask both; gives the class of the refusal, which must be the same, or None."""
        answers: list[type[AutoscalerError] | None] = []
        for ledger in (self.memory, self.sqlite):
            try:
                self.runner.run(getattr(ledger, call)(*args))
            except AutoscalerError as error:
                answers.append(type(error))
            else:
                answers.append(None)
        assert answers[0] is answers[1], f"{call}: {answers}"
        return answers[0]

    @rule(
        name=names,
        region=regions,
        state=st.just(OrderState.PLANNED) | STATES,
        earlier=st.floats(0, 5),
        cost=st.integers(0, 5),
        most=st.none() | st.integers(0, 9),
        everywhere=st.booleans(),
    )
    def add(
        self, name: str, region: str, state: OrderState, earlier: float, cost: int, most: int | None, everywhere: bool
    ) -> None:
        order = replace(planned(name, region=region, at=NOW - earlier, cost=cost), state=state)
        regions = None if everywhere else frozenset({order.region})
        limits = [] if most is None else [SpendingLimit("budget, day", regions, NOW - 3, Money(most))]
        spent = sum(self._spent(limit) for limit in limits)
        refusal = self._both("add", order, limits)
        if refusal is None:
            assert most is None or spent + cost <= most
            self.known[order.id] = [order]
        elif refusal is BudgetExceeded:
            assert most is not None
            assert spent + cost > most

    def _spent(self, limit: SpendingLimit) -> int:
        newest = [versions[-1] for versions in self.known.values()]
        return sum(order.charged for order in newest if order.created_at >= limit.since and limit.covers(order.region))

    @rule(seconds=st.floats(0, 20))
    def prune(self, seconds: float) -> None:
        assert self._both("prune", NOW + seconds) is None
        for order in [versions[-1] for versions in self.known.values()]:
            if order.settled_at is not None and order.settled_at < NOW + seconds:
                self.forgotten[order.region] += order.bought
                del self.known[order.id]

    @rule(region=regions)
    def file(self, region: str) -> None:
        assert self._both("file", release(region)) is None
        self.filed.append(replace(release(region), id=len(self.filed) + 1))

    @precondition(lambda self: self.filed)
    @rule(choice=st.data())
    def close_act(self, choice: st.DataObject) -> None:
        act = choice.draw(st.sampled_from(self.filed))
        self.at += 1.0
        refusal = self._both("close_act", act.id, self.at, "done")
        assert refusal is (None if act.done_at is None else LedgerError)
        if refusal is None:
            self.filed[act.id - 1] = replace(act, done_at=self.at, outcome="done")

    @precondition(lambda self: self.known)
    @rule(choice=st.data(), to=STATES, late=st.booleans(), came=st.integers(0, 4))
    def step(self, choice: st.DataObject, to: OrderState, late: bool, came: int) -> None:
        versions = self.known[choice.draw(st.sampled_from(sorted(self.known)))]
        newest = versions[-1]
        before = choice.draw(st.sampled_from(versions)) if late else newest
        self.at += 1.0
        settled = self.at if to.final else None
        after = replace(
            before,
            state=to,
            version=before.version + 1,
            settled_at=settled,
            attempt=before.attempt + 1,
            instances=frozenset(InstanceId(f"i-{number}") for number in range(came)),
        )
        refusal = self._both("replace", before, after, self.at)
        if before is not newest:
            assert refusal is StaleOrder
        elif to in TRANSITIONS[before.state] or (to is before.state and not to.final):
            assert refusal is None
            versions.append(after)
        else:
            assert refusal is IllegalTransition

    @rule()
    def restart(self) -> None:
        self.runner.run(self.sqlite.close())
        self._connect()

    @invariant()
    def both_tell_the_same(self) -> None:
        memory, sqlite = self.runner.run(_told(self.memory)), self.runner.run(_told(self.sqlite))
        assert memory == sqlite
        assert memory[2] == {order: versions[-1] for order, versions in self.known.items()}
        assert memory[4] == self.filed
        assert memory[5] == +self.forgotten
        unsettled = [order.region for order in memory[0] if order.state.unsettled]
        assert len(unsettled) == len(set(unsettled))

    @invariant()
    def the_history_tells_every_version(self) -> None:
        for order, versions in self.known.items():
            states = [event.after for event in self.runner.run(self.sqlite.history(order))]
            assert states == [version.state for version in versions]


Told = tuple[list[Order], list[Order], dict[OrderId, Order], list[OrderEvent], list[Act], Mapping[RegionId, int]]


async def _told(ledger: Ledger) -> Told:
    orders = {order.id: order for order in await ledger.all(100)}
    events = [event for order in sorted(orders) for event in await ledger.history(order)]
    settled = list(await ledger.settled_since(NOW + 3))
    return list(await ledger.open()), settled, orders, events, list(await ledger.acts()), await ledger.totals()


TestTwoLedgers = TwoLedgers.TestCase
TestTwoLedgers.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
