-- Queries that a standby ended in favour of its replay: counted there, and said to be unknown elsewhere.
SET search_path = public, tap;
SELECT plan(9);
CREATE TABLE contested AS SELECT g AS i FROM generate_series(1, 1000) AS g;
SELECT is(ask('other', 'SELECT canceled FROM haops.recovery_conflicts WHERE database = ''postgres'''), '0',
	'RP11 a standby has had none');
SELECT eventually('other', 'SELECT count(*) FROM contested', '1000', 'the table is there');
SELECT dblink_connect('reader', conninfo) FROM server WHERE role = 'other' \g /dev/null
SELECT is(dblink_exec('reader', 'BEGIN'), 'BEGIN', 'a transaction on a standby');
SELECT is(n, 1000::bigint, 'has a lock') FROM dblink('reader', 'SELECT count(*) FROM contested') AS r (n bigint);
DROP TABLE contested;
SELECT eventually('other', 'SELECT canceled FROM haops.recovery_conflicts WHERE database = ''postgres''', '1',
	'RP11 the standby counts that it was ended');
SELECT is(ask('other', 'SELECT concat_ws('' '', by_lock, by_snapshot) FROM haops.recovery_conflicts
	WHERE database = ''postgres'''), '1 0', 'RP11 and for what');
SELECT is(dblink_disconnect('reader'), 'OK', 'the reader is gone');
SELECT is(ask('leader', 'SELECT canceled IS NULL AND note IS NOT NULL FROM haops.recovery_conflicts
	WHERE database = ''postgres'''), 't', 'RP11 the leader can''t know, and says so');
SELECT is(ask('middle', 'SELECT canceled FROM haops.recovery_conflicts WHERE database = ''postgres'''), '0',
	'RP11 another standby had none');
SELECT * FROM finish();
