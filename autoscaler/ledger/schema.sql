-- Version 1. Payloads are JSON; what is searched or constrained has a column of its own.

CREATE TABLE orders (
    id         TEXT PRIMARY KEY,
    cluster    TEXT NOT NULL,
    region     TEXT NOT NULL,
    state      TEXT NOT NULL,
    version    INTEGER NOT NULL,
    nodes      INTEGER NOT NULL CHECK (nodes > 0),
    task       TEXT,
    created_at REAL NOT NULL,
    settled_at REAL,
    payload    TEXT NOT NULL
) STRICT;

-- Never two undecided purchases in one region: the rule that makes a double purchase impossible to write down.
CREATE UNIQUE INDEX one_unsettled_order ON orders (cluster, region)
    WHERE state IN ('planned', 'submitting', 'in_doubt');

CREATE INDEX open_orders ON orders (created_at)
    WHERE settled_at IS NULL;

CREATE INDEX settled_orders ON orders (settled_at)
    WHERE settled_at IS NOT NULL;

CREATE TABLE order_events (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    at         REAL NOT NULL,
    before     TEXT,
    after      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    request_id TEXT NOT NULL
) STRICT;

CREATE INDEX events_of_order ON order_events (order_id, number);

CREATE TRIGGER order_events_keep BEFORE UPDATE ON order_events
BEGIN
    SELECT RAISE(ABORT, 'the history of orders is append-only');
END;

CREATE TRIGGER order_events_stay BEFORE DELETE ON order_events
BEGIN
    SELECT RAISE(ABORT, 'the history of orders is append-only');
END;
