-- Version 1 of the ledger. Times are Unix seconds. Never edit this file once released: add the next one.

CREATE TABLE orders (
  id           TEXT    NOT NULL PRIMARY KEY,
  cluster      TEXT    NOT NULL,
  region       TEXT    NOT NULL,
  tick         INTEGER NOT NULL,
  operation    TEXT    NOT NULL,
  nodes        INTEGER NOT NULL CHECK (nodes >= 1),
  state        TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  detail       TEXT    NOT NULL,
  attempt      INTEGER NOT NULL,
  task         TEXT,
  request_id   TEXT,
  baseline     TEXT,
  instances    TEXT    NOT NULL,
  created_at   REAL    NOT NULL,
  deadline     REAL    NOT NULL,
  submitted_at REAL,
  settled_at   REAL,
  term         INTEGER NOT NULL,
  version      INTEGER NOT NULL CHECK (version >= 0)
);

-- The rule that keeps a region from being bought for twice while one purchase is undecided.
CREATE UNIQUE INDEX orders_one_unsettled ON orders (cluster, region)
  WHERE state IN ('planned', 'submitting', 'in_doubt');

CREATE INDEX orders_by_state ON orders (state);
CREATE INDEX orders_by_settled_at ON orders (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX orders_by_created_at ON orders (created_at, id);

CREATE TRIGGER orders_are_kept BEFORE DELETE ON orders
BEGIN
  SELECT RAISE(ABORT, 'orders are never deleted');
END;

CREATE TRIGGER orders_final_stay BEFORE UPDATE ON orders
  WHEN OLD.state IN ('ready', 'partial', 'failed', 'abandoned')
BEGIN
  SELECT RAISE(ABORT, 'a final order never changes');
END;

CREATE TABLE order_events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id   TEXT NOT NULL REFERENCES orders (id),
  at         REAL NOT NULL,
  before     TEXT,
  after      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  detail     TEXT NOT NULL,
  request_id TEXT NOT NULL
);

CREATE INDEX order_events_by_order ON order_events (order_id, seq);

CREATE TRIGGER order_events_are_kept BEFORE DELETE ON order_events
BEGIN
  SELECT RAISE(ABORT, 'the history of an order is append-only');
END;

CREATE TRIGGER order_events_stay BEFORE UPDATE ON order_events
BEGIN
  SELECT RAISE(ABORT, 'the history of an order is append-only');
END;
