"""Stable reason codes: the same words in `explain`, logs and metric labels.

A code is never renamed or given another meaning; a new meaning is a new code.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a number is what it is, or why an order is where it is."""

    # Votes.
    ABOVE_TARGET = "AboveTarget"
    BELOW_TARGET = "BelowTarget"
    WITHIN_TOLERANCE = "WithinTolerance"
    SIGNAL_MISSING = "SignalMissing"
    SIGNAL_STALE = "SignalStale"
    SIGNAL_IN_FUTURE = "SignalInFuture"
    SIGNAL_NOT_A_NUMBER = "SignalNotANumber"
    COVERAGE_TOO_LOW = "CoverageTooLow"
    NO_READY_NODES = "NoReadyNodes"

    # Signals: why there is no value, or whose it is.
    NO_TARGETS = "NoTargets"
    SERIES_ABSENT = "SeriesAbsent"
    ABSENT_IS_ZERO = "AbsentIsZero"
    FIRST_SAMPLE = "FirstSample"
    HISTOGRAM_INCOMPLETE = "HistogramIncomplete"
    NO_OBSERVATIONS = "NoObservations"
    DIVISION_BY_ZERO = "DivisionByZero"

    # Guards.
    ALL_VOTES_ABSTAIN = "AllVotesAbstain"
    CAPACITY_UNKNOWN = "CapacityUnknown"
    BELOW_MINIMUM = "BelowMinimum"
    ABOVE_MAXIMUM = "AboveMaximum"
    SCALE_OUT_ONLY = "ScaleOutOnly"
    ORDER_UNSETTLED = "OrderUnsettled"
    COOLDOWN_FROM_READY = "CooldownFromReady"
    BACKOFF_AFTER_FAILURE = "BackoffAfterFailure"

    # Brakes.
    REGION_DARK = "RegionDark"
    FLEET_UNREADY = "FleetUnready"
    BREAKER_OPEN = "BreakerOpen"
    JOINS_LATCHED = "JoinsLatched"
    QUOTA_OF_DAY = "QuotaOfDay"
    QUOTA_OF_LIFETIME = "QuotaOfLifetime"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    PRICE_UNKNOWN = "PriceUnknown"
    ACCOUNT_STOPPED = "AccountStopped"

    # Where and what is bought instead.
    ALTERNATIVE_TYPE = "AlternativeType"
    NODES_NOT_READY = "NodesNotReady"
    STOCK_LIMITED = "StockLimited"
    STOCK_BACKOFF = "StockBackoff"
    SPILLED_OVER = "SpilledOver"
    SPILLOVER_RECEIVED = "SpilloverReceived"
    CALL_LIMITED = "CallLimited"
    NO_OFFER = "NoOffer"

    # Life of an order.
    DECIDED = "Decided"
    SENDING = "Sending"
    API_ACCEPTED = "ApiAccepted"
    THROTTLED = "Throttled"
    NEVER_SENT = "NeverSent"
    BASELINE_UNREADABLE = "BaselineUnreadable"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    PROCESS_DIED_WHILE_SENDING = "ProcessDiedWhileSending"
    EVIDENCE_FOUND = "EvidenceFound"
    ABSENCE_PROVEN = "AbsenceProven"
    EXPIRED_UNSENT = "ExpiredUnsent"
    OUT_OF_STOCK = "OutOfStock"
    QUOTA_EXCEEDED = "QuotaExceeded"
    BALANCE_EXHAUSTED = "BalanceExhausted"
    CLUSTER_BUSY = "ClusterBusy"
    POOL_BUSY = "PoolBusy"
    DECISION_WITHDRAWN = "DecisionWithdrawn"
    RESOLVED_BOUGHT = "ResolvedBought"
    RESOLVED_NOT_BOUGHT = "ResolvedNotBought"
    REJECTED = "Rejected"
    FORBIDDEN = "Forbidden"
    INSTANCES_SEEN = "InstancesSeen"
    TASK_FAILED = "TaskFailed"
    NODES_READY = "NodesReady"
    SOME_NODES_FAILED = "SomeNodesFailed"
    PAST_DEADLINE = "PastDeadline"
    TASK_STALLED = "TaskStalled"

    # Targets of a source.
    UP = "Up"
    DNS_FAILED = "DnsFailed"
    CONNECTION_FAILED = "ConnectionFailed"
    TLS_FAILED = "TlsFailed"
    TIMED_OUT = "TimedOut"
    BAD_STATUS = "BadStatus"
    TOO_LARGE = "TooLarge"
    UNPARSABLE = "Unparsable"
    UNKNOWN_FORMAT = "UnknownFormat"
    EMPTY_PAGE = "EmptyPage"
    SERIES_TWICE = "SeriesTwice"
    SAMPLE_LIMIT = "SampleLimit"
    LABEL_LIMIT = "LabelLimit"
    REDIRECT_REFUSED = "RedirectRefused"
    REDIRECT_LOOP = "RedirectLoop"
    CREDENTIALS_UNREADABLE = "CredentialsUnreadable"
    WRONG_RESULT = "WrongResult"
    SEVERAL_SERIES = "SeveralSeries"
    PARTIAL_ANSWER = "PartialAnswer"
    ALERTS_EXPIRED = "AlertsExpired"
