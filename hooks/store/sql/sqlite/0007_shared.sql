-- Who is making the events of a receipt, and until when nobody else should: only where several servers share a database.
ALTER TABLE receipts ADD COLUMN planner TEXT;
ALTER TABLE receipts ADD COLUMN planner_until INTEGER;
