-- Nobody waits: no row, and these columns. What they say of waiters is told by test/t/100_locks.pl.
SELECT * FROM haops.lock_waits;
SELECT * FROM haops.lock_tree;
SELECT * FROM haops.blockers;
BEGIN;
CREATE TABLE locked (i int);
LOCK TABLE locked;
SELECT count(*) FROM haops.lock_waits;
ROLLBACK;
