"""The instruments themselves: every metric of the program, with its help text, labels and buckets.

A registry and families come in, registered metrics come out: in the registry of the client library those of few series
and all histograms, in the families those with a series for every region. No event is known here and no value is set,
but for counters whose label values are known beforehand: those start at zero, so that their first increase is seen.
"""

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from autoscaler.model.act import ActKind
from autoscaler.model.order import OrderState
from autoscaler.telemetry import names as n
from autoscaler.telemetry.families import Families

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CALLS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
WAITS = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
PROVISIONING = (30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0, 7200.0)


class DecisionFamilies:
    """What was decided, per region: gauges describe the last decision of the region."""

    def __init__(self, families: Families) -> None:
        self.desired = families.gauge(n.DESIRED_NODES, "Nodes that the last decision wants.")
        self.ready = families.gauge(n.READY_NODES, "Ready nodes at the last decision; absent while unknown.")
        self.committed = families.gauge(n.COMMITTED_NODES, "Existing and ordered nodes, orders in doubt included.")
        self.shortfall = families.gauge(
            n.SHORTFALL_NODES,
            "Desired nodes that are not ready: on their way, ordered or not ordered yet; absent while unknown.",
        )
        self.decided_at = families.gauge(n.DECISION_TIMESTAMP_SECONDS, "Unix time of the region's last decision.")
        self.signal_value = families.gauge(n.SIGNAL_VALUE, "The signal as the last decision saw it; absent if missing.")
        self.signal_coverage = families.gauge(n.SIGNAL_COVERAGE_RATIO, "Targets that answered in time / targets known.")
        self.signal_age = families.gauge(
            n.SIGNAL_AGE_SECONDS, "Age of the signal's oldest sample when it was decided on; absent if missing."
        )


class DecisionInstruments:
    """What was decided, all regions together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter(n.DECISIONS_TOTAL, "Decisions by their reason code.", [n.REASON], registry=registry)
        self.abstentions = Counter(
            n.ABSTENTIONS_TOTAL,
            "Votes that abstained, by reason code: a signal missing, old, not a number, thinly covered.",
            [n.REASON],
            registry=registry,
        )
        self.missing = Counter(
            n.SIGNALS_MISSING_TOTAL,
            "Times that a region was decided without a value of the signal, by reason code.",
            [n.SIGNAL, n.REASON],
            registry=registry,
        )
        self.plan_duration = Histogram(
            n.PLAN_DURATION_SECONDS, "Time that the policy took for one tick.", buckets=FAST, registry=registry
        )


class OrderFamilies:
    """What was bought, per region."""

    def __init__(self, families: Families) -> None:
        self.nodes = families.counter(n.ORDER_NODES_TOTAL, "Nodes bought: counted when the API has accepted.")
        self.cost = families.counter(
            n.ORDER_COST_TOTAL,
            "Cost of the nodes bought, in units of the account's currency: counted when the API has accepted.",
        )


class OrderInstruments:
    """Orders and the ledger that holds them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.transitions = Counter(
            n.ORDERS_TOTAL, "Times that an order came into a state.", [n.STATE], registry=registry
        )
        self.open = Gauge(n.OPEN_ORDERS, "Orders that are not final, by state.", [n.STATE], registry=registry)
        self.oldest = Gauge(
            n.ORDER_OLDEST_TIMESTAMP_SECONDS,
            "Unix time at which the oldest order in a state was made; absent while there is none.",
            [n.STATE],
            registry=registry,
        )
        self.refused = Counter(
            n.ORDERS_REFUSED_TOTAL,
            "Decisions that did not become an order, by reason code.",
            [n.REASON],
            registry=registry,
        )
        self.provisioning = Histogram(
            n.PROVISIONING_DURATION_SECONDS,
            "From the making of an order to all of its nodes being ready.",
            buckets=PROVISIONING,
            registry=registry,
        )
        self.ledger_failures = Counter(
            n.LEDGER_FAILURES_TOTAL, "Writes that the ledger refused; nothing is ordered then.", registry=registry
        )
        self.ledger_usable = Gauge(
            n.LEDGER_USABLE, "1 while the ledger takes writes; 0 after one that it refused.", registry=registry
        )
        self.ledger_usable.set(1)
        for state in OrderState:
            self.transitions.labels(state)
            if not state.final:
                self.open.labels(state)


class HumanInstruments:
    """What a human must be told, and what a human has done."""

    def __init__(self, registry: CollectorRegistry, families: Families) -> None:
        self.needed = families.gauge(
            n.NEEDS_HUMAN, "1 while a region does not get on without a human, by reason code; absent otherwise."
        )
        self.account_stopped = Gauge(
            n.ACCOUNT_STOPPED,
            "1 while the API's last word about the account is a refusal (permissions, credentials, balance).",
            registry=registry,
        )
        self.acts = Counter(
            n.ACTS_TOTAL, "Acts of a human that were carried out or refused, by kind.", [n.KIND], registry=registry
        )
        for kind in ActKind:
            self.acts.labels(kind)


class CloudInstruments:
    """Calls to the cloud, the limiter before them, and what is read from it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            n.CLOUD_REQUESTS_TOTAL,
            "Calls to the cloud; the outcome is ok or the class of the error.",
            [n.ACTION, n.OUTCOME],
            registry=registry,
        )
        self.duration = Histogram(
            n.CLOUD_REQUEST_DURATION_SECONDS,
            "Duration of calls to the cloud.",
            [n.ACTION],
            buckets=CALLS,
            registry=registry,
        )
        self.limiter_wait = Histogram(
            n.LIMITER_WAIT_SECONDS,
            "Time that calls waited for their rate limit.",
            [n.ACTION],
            buckets=WAITS,
            registry=registry,
        )
        self.capacity_failures = Counter(
            n.CAPACITY_READ_FAILURES_TOTAL, "Times that the nodes of the fleet could not be read.", registry=registry
        )
        self.capacity_read_at = Gauge(
            n.CAPACITY_LAST_READ_TIMESTAMP_SECONDS,
            "Unix time of the last reading of the fleet's nodes; 0 before the first.",
            registry=registry,
        )


class SourceInstruments:
    """Sources of samples and their targets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        source = [n.SOURCE]
        self.targets = Gauge(
            n.SOURCE_TARGETS, "Known targets, by whether they answered.", [n.SOURCE, n.STATE], registry=registry
        )
        self.failures = Counter(
            n.SOURCE_FAILURES_TOTAL,
            "Targets that did not answer, once per target and pass.",
            [n.SOURCE, n.REASON],
            registry=registry,
        )
        self.wave_failures = Counter(
            n.SOURCE_WAVE_FAILURES_TOTAL, "Passes in which the source failed as a whole.", source, registry=registry
        )
        self.duration = Histogram(
            n.SOURCE_WAVE_DURATION_SECONDS,
            "Duration of one pass over the targets whose turn it was.",
            source,
            buckets=CALLS,
            registry=registry,
        )
        self.last_wave_at = Gauge(
            n.SOURCE_LAST_WAVE_TIMESTAMP_SECONDS, "Unix time of the last finished pass.", source, registry=registry
        )


class LoopInstruments:
    """The event loop, in which everything runs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Histogram(
            n.EVENT_LOOP_LAG_SECONDS,
            "How late the event loop ran what was due, looked at ten times a second.",
            buckets=LAGS,
            registry=registry,
        )
        self.worst_lag = Gauge(
            n.EVENT_LOOP_LAG_MAX_SECONDS, "The greatest lag of the last one to two minutes.", registry=registry
        )


def build_info(registry: CollectorRegistry, version: str) -> None:
    """Register the series that names the running version, and turn the library's `_created` series off.

    The latter is a switch of the whole process: the library knows no other. Those series double the page and
    nothing reads them.
    """
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped
    Info(n.BUILD, "The running program.", registry=registry).info({n.VERSION: version})
