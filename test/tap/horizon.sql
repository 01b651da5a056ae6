-- A query on a standby keeps the leader's VACUUM from removing rows, through hot_standby_feedback and its slot.
SET search_path = public, tap;
SELECT plan(6);
CREATE TABLE held_rows AS SELECT g AS i FROM generate_series(1, 1000) AS g;
SELECT eventually('middle', 'SELECT count(*) FROM held_rows', '1000', 'the table is there');
SELECT dblink_connect('holder', conninfo) FROM server WHERE role = 'middle' \g /dev/null
SELECT is(dblink_exec('holder', 'BEGIN ISOLATION LEVEL REPEATABLE READ'), 'BEGIN', 'a transaction on a standby');
SELECT is(n, 1000::bigint, 'has a snapshot') FROM dblink('holder', 'SELECT count(*) FROM held_rows') AS r (n bigint);
DELETE FROM held_rows;
SELECT eventually('leader', 'SELECT concat_ws('' '', kind, name = ''pg_haops_'' || :middle, state, xid_age > 0)
	FROM haops.horizon WHERE is_oldest AND kind = ''slot''', 'slot t active t',
	'VA5 the standby''s slot holds the horizon');
SELECT ask('leader', 'SELECT xmin FROM haops.horizon WHERE name = ''pg_haops_'' || :middle') AS held \gset
VACUUM held_rows;
SELECT is(ask('leader', 'SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = ''held_rows'''), '1000',
	'VA5 and so VACUUM removes nothing');
SELECT dblink_exec('holder', 'ROLLBACK') \g /dev/null
SELECT dblink_disconnect('holder') \g /dev/null
SELECT eventually('leader', format('SELECT xmin::text <> %L FROM haops.horizon WHERE name = ''pg_haops_'' || :middle',
	:'held'), 't', 'VA5 it lets go when the query has ended');
SELECT * FROM finish();
