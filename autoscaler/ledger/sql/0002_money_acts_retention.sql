-- Version 2 of the ledger: what orders cost, what humans ask for, and the end of retention.
-- Amounts are hundredths of the account's currency, times are Unix seconds. Never edit this file once released.

ALTER TABLE orders ADD COLUMN desired    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN cost       INTEGER NOT NULL DEFAULT 0 CHECK (cost >= 0);
ALTER TABLE orders ADD COLUMN for_region TEXT;
ALTER TABLE orders ADD COLUMN in_stock   INTEGER;
ALTER TABLE orders ADD COLUMN bought     INTEGER NOT NULL DEFAULT 0 CHECK (bought >= 0);
ALTER TABLE orders ADD COLUMN charged    INTEGER NOT NULL DEFAULT 0 CHECK (charged >= 0);

-- Orders of version 1 had no price, so nothing is charged for them; their nodes count all the same.
DROP TRIGGER orders_final_stay;

UPDATE orders SET bought = CASE
  WHEN state IN ('failed', 'partial') THEN min(nodes, json_array_length(instances))
  ELSE nodes
END;

CREATE TRIGGER orders_final_stay BEFORE UPDATE ON orders
  WHEN OLD.state IN ('ready', 'partial', 'failed', 'abandoned')
BEGIN
  SELECT RAISE(ABORT, 'a final order never changes');
END;

-- All that a budget is summed up from: the sum reads this index and no order.
CREATE INDEX orders_by_charge ON orders (created_at, region, charged);

-- Holds a row while orders are being pruned, in that transaction only: orders settled before then may be deleted.
CREATE TABLE pruning (before REAL NOT NULL);

DROP TRIGGER orders_are_kept;
CREATE TRIGGER orders_are_kept BEFORE DELETE ON orders
  WHEN NOT EXISTS (
    SELECT 1 FROM pruning
    WHERE OLD.state IN ('ready', 'partial', 'failed', 'abandoned') AND OLD.settled_at < pruning.before
  )
BEGIN
  SELECT RAISE(ABORT, 'orders are never deleted within their retention');
END;

DROP TRIGGER order_events_are_kept;
CREATE TRIGGER order_events_are_kept BEFORE DELETE ON order_events
  WHEN NOT EXISTS (
    SELECT 1 FROM orders JOIN pruning ON orders.settled_at < pruning.before
    WHERE orders.id = OLD.order_id AND orders.state IN ('ready', 'partial', 'failed', 'abandoned')
  )
BEGIN
  SELECT RAISE(ABORT, 'the history of an order is append-only');
END;

-- Nodes bought by orders that are no longer here: no order leaves without being added up.
CREATE TABLE pruned_nodes (
  region TEXT    NOT NULL PRIMARY KEY,
  bought INTEGER NOT NULL CHECK (bought > 0)
);

CREATE TRIGGER orders_pruned_are_counted AFTER DELETE ON orders WHEN OLD.bought > 0
BEGIN
  INSERT INTO pruned_nodes (region, bought) VALUES (OLD.region, OLD.bought)
  ON CONFLICT (region) DO UPDATE SET bought = bought + excluded.bought;
END;

CREATE TRIGGER pruned_nodes_are_kept BEFORE DELETE ON pruned_nodes
BEGIN
  SELECT RAISE(ABORT, 'nodes that were bought stay counted');
END;

CREATE TRIGGER pruned_nodes_only_grow BEFORE UPDATE ON pruned_nodes
  WHEN NEW.region IS NOT OLD.region OR NEW.bought < OLD.bought
BEGIN
  SELECT RAISE(ABORT, 'nodes that were bought stay counted');
END;

CREATE TABLE acts (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  kind     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  reason   TEXT NOT NULL,
  filed_by TEXT NOT NULL,
  at       REAL NOT NULL,
  done_at  REAL,
  outcome  TEXT NOT NULL
);

CREATE TRIGGER acts_are_kept BEFORE DELETE ON acts
BEGIN
  SELECT RAISE(ABORT, 'acts are never deleted');
END;

CREATE TRIGGER acts_are_closed_once BEFORE UPDATE ON acts
  WHEN OLD.done_at IS NOT NULL OR NEW.done_at IS NULL
    OR (NEW.id, NEW.kind, NEW.subject, NEW.reason, NEW.filed_by, NEW.at)
    IS NOT (OLD.id, OLD.kind, OLD.subject, OLD.reason, OLD.filed_by, OLD.at)
BEGIN
  SELECT RAISE(ABORT, 'an act can only be closed, and once');
END;

-- Instances that were nodes once: an API that forgets one for a moment must not make a restarted daemon buy it again.
CREATE TABLE nodes (
  instance TEXT NOT NULL PRIMARY KEY,
  region   TEXT NOT NULL,
  at       REAL NOT NULL
);
