-- Version 3 of the ledger: how many of the nodes that an order made never became ready. Never edit once released.

ALTER TABLE orders ADD COLUMN failed_joins INTEGER NOT NULL DEFAULT 0 CHECK (failed_joins >= 0);

-- Orders of earlier versions: of one that failed no node became ready; of a partial one nobody wrote down how many.
DROP TRIGGER orders_final_stay;

UPDATE orders SET failed_joins = json_array_length(instances) WHERE state = 'failed';

CREATE TRIGGER orders_final_stay BEFORE UPDATE ON orders
  WHEN OLD.state IN ('ready', 'partial', 'failed', 'abandoned')
BEGIN
  SELECT RAISE(ABORT, 'a final order never changes');
END;
