-- A standby keeps samples of its own counters, where a primary writes them into a table.
SET search_path = public, tap;
SELECT plan(6);
SELECT eventually('middle', 'SELECT count(*) >= 2 FROM haops.standby_samples() WHERE datid = (
	SELECT oid FROM pg_database WHERE datname = ''postgres'')', 't', 'a standby takes samples');
SELECT is(ask('leader', 'SELECT count(*) FROM haops.standby_samples()'), '0', 'the leader has none of that kind');
SELECT eventually('leader', 'SELECT count(DISTINCT taken_at) >= 2 FROM haops.health_sample', 't', 'but in its table');
SELECT eventually('middle', 'SELECT blocks_hit > 0 AND commits > 0 FROM haops.cache_hit
	WHERE database = ''postgres''', 't', 'the standby says what it did itself');
SELECT is(ask('middle', 'SELECT c.taken_at = (SELECT max(h.taken_at) FROM haops.standby_samples() h)
	FROM haops.cache_hit c WHERE c.database = ''postgres'''), 't', 'by its own samples, not the leader''s');
SELECT eventually('other', 'SELECT count(*) FROM haops.cache_hit WHERE taken_at < now() - interval ''1 minute''', '0',
	'and goes on taking them');
SELECT * FROM finish();
