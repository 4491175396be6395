"""Names of metrics and labels, in one file, because alerts and dashboards are written against them.

Names start with `autoscaler_`, use base units, and a counter ends in `_total`. Ids (orders, tasks, requests, instances)
are never labels: a label value that is new every day fills the database of whoever scrapes us.
"""

from typing import Final

# Labels.
REGION: Final = "region"
SIGNAL: Final = "signal"
REASON: Final = "reason"
STATE: Final = "state"
ACTION: Final = "action"
OUTCOME: Final = "outcome"
SOURCE: Final = "source"
KIND: Final = "kind"
VERSION: Final = "version"

LABELS: Final = frozenset({REGION, SIGNAL, REASON, STATE, ACTION, OUTCOME, SOURCE, KIND, VERSION})
"""Every label that a series of ours may carry, `le` of histograms aside."""

# Values of the label `state` of source targets.
UP: Final = "up"
DOWN: Final = "down"

# Decisions.
DESIRED_NODES: Final = "autoscaler_desired_nodes"
READY_NODES: Final = "autoscaler_ready_nodes"
COMMITTED_NODES: Final = "autoscaler_committed_nodes"
SHORTFALL_NODES: Final = "autoscaler_shortfall_nodes"
SIGNAL_VALUE: Final = "autoscaler_signal_value"
SIGNAL_COVERAGE_RATIO: Final = "autoscaler_signal_coverage_ratio"
SIGNAL_AGE_SECONDS: Final = "autoscaler_signal_age_seconds"
DECISION_TIMESTAMP_SECONDS: Final = "autoscaler_decision_timestamp_seconds"
SIGNALS_MISSING_TOTAL: Final = "autoscaler_signals_missing_total"
ABSTENTIONS_TOTAL: Final = "autoscaler_abstentions_total"
DECISIONS_TOTAL: Final = "autoscaler_decisions_total"
PLAN_DURATION_SECONDS: Final = "autoscaler_plan_duration_seconds"

# Orders.
ORDERS_TOTAL: Final = "autoscaler_orders_total"
OPEN_ORDERS: Final = "autoscaler_open_orders"
ORDER_OLDEST_TIMESTAMP_SECONDS: Final = "autoscaler_order_oldest_timestamp_seconds"
ORDER_NODES_TOTAL: Final = "autoscaler_order_nodes_total"
ORDER_COST_TOTAL: Final = "autoscaler_order_cost_total"
ORDERS_REFUSED_TOTAL: Final = "autoscaler_orders_refused_total"
PROVISIONING_DURATION_SECONDS: Final = "autoscaler_provisioning_duration_seconds"
LEDGER_FAILURES_TOTAL: Final = "autoscaler_ledger_failures_total"
LEDGER_USABLE: Final = "autoscaler_ledger_usable"

# What a human must know, and what a human did.
NEEDS_HUMAN: Final = "autoscaler_needs_human"
ACCOUNT_STOPPED: Final = "autoscaler_account_stopped"
ACTS_TOTAL: Final = "autoscaler_acts_total"

# The cloud.
CLOUD_REQUESTS_TOTAL: Final = "autoscaler_cloud_requests_total"
CLOUD_REQUEST_DURATION_SECONDS: Final = "autoscaler_cloud_request_duration_seconds"
LIMITER_WAIT_SECONDS: Final = "autoscaler_limiter_wait_seconds"
CAPACITY_READ_FAILURES_TOTAL: Final = "autoscaler_capacity_read_failures_total"
CAPACITY_LAST_READ_TIMESTAMP_SECONDS: Final = "autoscaler_capacity_last_read_timestamp_seconds"

# Sources.
SOURCE_TARGETS: Final = "autoscaler_source_targets"
SOURCE_FAILURES_TOTAL: Final = "autoscaler_source_failures_total"
SOURCE_WAVE_FAILURES_TOTAL: Final = "autoscaler_source_wave_failures_total"
SOURCE_WAVE_DURATION_SECONDS: Final = "autoscaler_source_wave_duration_seconds"
SOURCE_LAST_WAVE_TIMESTAMP_SECONDS: Final = "autoscaler_source_last_wave_timestamp_seconds"

# The program.
EVENT_LOOP_LAG_SECONDS: Final = "autoscaler_event_loop_lag_seconds"
EVENT_LOOP_LAG_MAX_SECONDS: Final = "autoscaler_event_loop_lag_max_seconds"
BUILD: Final = "autoscaler_build"
"""The client library appends `_info`: the series is `autoscaler_build_info{version="..."} 1`."""
