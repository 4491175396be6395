"""Every statement that the SQLite ledger sends while it runs; its tables are made by the files in `sql/`."""

BEGIN = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that what a transaction read can not change before it writes."""

INSERT_ORDER = """
INSERT INTO orders (
  id, cluster, region, tick, operation, nodes, state, reason, detail, attempt, task, request_id, baseline, instances,
  created_at, deadline, submitted_at, settled_at, term, version
) VALUES (
  :id, :cluster, :region, :tick, :operation, :nodes, :state, :reason, :detail, :attempt, :task, :request_id, :baseline,
  :instances, :created_at, :deadline, :submitted_at, :settled_at, :term, :version
)
"""

UPDATE_ORDER = """
UPDATE orders SET
  state = :state, reason = :reason, detail = :detail, attempt = :attempt, task = :task, request_id = :request_id,
  baseline = :baseline, instances = :instances, deadline = :deadline, submitted_at = :submitted_at,
  settled_at = :settled_at, version = :version
WHERE id = :id
"""

INSERT_EVENT = """
INSERT INTO order_events (order_id, at, before, after, reason, detail, request_id)
VALUES (:order_id, :at, :before, :after, :reason, :detail, :request_id)
"""

ORDER = "SELECT * FROM orders WHERE id = ?"

OPEN_ORDERS = """
SELECT * FROM orders
WHERE state IN ('planned', 'submitting', 'in_doubt', 'accepted', 'overdue')
ORDER BY created_at, id
"""

SETTLED_SINCE = "SELECT * FROM orders WHERE settled_at >= ? ORDER BY settled_at, id"

NEWEST = "SELECT * FROM orders ORDER BY created_at DESC, id DESC LIMIT ?"

HISTORY = "SELECT * FROM order_events WHERE order_id = ? ORDER BY seq"
