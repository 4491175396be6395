"""Every statement that the SQLite ledger sends while it runs; its tables are made by the files in `sql/`."""

BEGIN = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that what a transaction read can not change before it writes."""

INSERT_ORDER = """
INSERT INTO orders (
  id, cluster, region, tick, operation, nodes, state, reason, detail, attempt, task, request_id, baseline, instances,
  created_at, deadline, submitted_at, settled_at, term, version, desired, cost, for_region, in_stock,
  failed_joins, bought, charged
) VALUES (
  :id, :cluster, :region, :tick, :operation, :nodes, :state, :reason, :detail, :attempt, :task, :request_id, :baseline,
  :instances, :created_at, :deadline, :submitted_at, :settled_at, :term, :version, :desired, :cost, :for_region,
  :in_stock, :failed_joins, :bought, :charged
)
"""

UPDATE_ORDER = """
UPDATE orders SET
  state = :state, reason = :reason, detail = :detail, attempt = :attempt, task = :task, request_id = :request_id,
  baseline = :baseline, instances = :instances, deadline = :deadline, submitted_at = :submitted_at,
  settled_at = :settled_at, version = :version, in_stock = :in_stock, failed_joins = :failed_joins,
  bought = :bought, charged = :charged
WHERE id = :id
"""

INSERT_EVENT = """
INSERT INTO order_events (order_id, at, before, after, reason, detail, request_id)
VALUES (:order_id, :at, :before, :after, :reason, :detail, :request_id)
"""

ORDER = "SELECT * FROM orders WHERE id = ?"

UNSETTLED = """
SELECT * FROM orders WHERE cluster = ? AND region = ? AND state IN ('planned', 'submitting', 'in_doubt')
"""

OPEN_ORDERS = """
SELECT * FROM orders
WHERE state IN ('planned', 'submitting', 'in_doubt', 'accepted', 'overdue')
ORDER BY created_at, id
"""

SETTLED_SINCE = "SELECT * FROM orders WHERE settled_at >= ? ORDER BY settled_at, id"

NEWEST = "SELECT * FROM orders ORDER BY created_at DESC, id DESC LIMIT ?"

HISTORY = "SELECT * FROM order_events WHERE order_id = ? ORDER BY seq"

SPENT = "SELECT coalesce(sum(charged), 0) FROM orders WHERE created_at >= ?"

SPENT_IN = """
SELECT coalesce(sum(charged), 0) FROM orders
WHERE created_at >= ? AND region IN (SELECT value FROM json_each(?))
"""
"""The second parameter is the regions as a JSON list: SQLite bounds the number of parameters, not a list's length."""

INSERT_ACT = """
INSERT INTO acts (kind, subject, reason, filed_by, at, done_at, outcome)
VALUES (:kind, :subject, :reason, :filed_by, :at, :done_at, :outcome)
"""

CLOSE_ACT = "UPDATE acts SET done_at = :done_at, outcome = :outcome WHERE id = :id"

ACT = "SELECT * FROM acts WHERE id = ?"

ACTS = "SELECT * FROM acts ORDER BY id"

PRUNABLE = """
SELECT id FROM orders
WHERE settled_at < ? AND +state IN ('ready', 'partial', 'failed', 'abandoned') AND for_region IS NULL
ORDER BY settled_at LIMIT ?
"""
"""The plus keeps SQLite to the index on settled_at: nearly every order is in one of these states."""

BEGIN_PRUNING = "INSERT INTO pruning (before) VALUES (?)"

PRUNE_EVENTS = "DELETE FROM order_events WHERE order_id = ?"

PRUNE_ORDER = "DELETE FROM orders WHERE id = ?"

END_PRUNING = "DELETE FROM pruning"

PRUNED_NODES = "SELECT region, bought FROM pruned_nodes"

INSERT_NODE = """
INSERT INTO nodes (instance, region, at) VALUES (:instance, :region, :at)
ON CONFLICT (instance) DO UPDATE SET at = excluded.at
"""

NODES = "SELECT instance, region FROM nodes"
