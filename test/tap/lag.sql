-- How far behind each standby is, by the leader's word, by its own, and at the end of a cascade.
SET search_path = public, tap;
SELECT plan(16);
CREATE TABLE lag_filler (t text);

-- A server has settled when this is 0: whatever it is behind by.
SELECT eventually(r, 'SELECT count(*) FROM haops.replication_lag WHERE state <> ''streaming'' OR lag_bytes <> 0', '0',
	'RP1 idle: nobody is behind, says ' || r) FROM (VALUES ('leader'), ('middle'), ('other')) AS v (r);
SELECT eventually('leader', 'SELECT lag FROM haops.replication_lag WHERE standby = :middle', '00:00:00',
	'RP1 idle: by no time');
SELECT eventually('outside', 'SELECT concat_ws('' '', state, lag_bytes, upstream_lag_bytes) FROM haops.replication_lag',
	'streaming 0', 'RP7 who is no member can''t know the leader''s position: against its source only');

-- The one in the middle is paused: it falls behind, the cascade behind it is fed from its disk.
SELECT is(ask('middle', 'SELECT pg_wal_replay_pause()'), '', 'the one in the middle is paused');
SELECT eventually('middle', 'SELECT pg_get_wal_replay_pause_state()', 'paused', 'and stands still');
INSERT INTO lag_filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 2000) AS i;
SELECT eventually('leader', 'SELECT concat_ws('' '', state, lag_bytes > 1000000, lag > ''0.1 s'', flush_lag_bytes)
	FROM haops.replication_lag WHERE standby = :middle', 'paused t t 0',
	'RP6 the leader says so: bytes and time behind, nothing would be lost');
SELECT eventually('middle', 'SELECT concat_ws('' '', state, lag_bytes > 1000000, lag > ''0.1 s'', flush_lag_bytes)
	FROM haops.replication_lag WHERE this_server', 'paused t t 0', 'RP6 and so does it itself');
SELECT eventually('middle', 'SELECT concat_ws('' '', state, lag_bytes, lag) FROM haops.replication_lag
	WHERE standby = ''outside''', 'streaming 0 00:00:00',
	'RP7 the cascade has what its source has on disk: it is level with the leader');
SELECT eventually('other', 'SELECT concat_ws('' '', state, lag_bytes) FROM haops.replication_lag', 'streaming 0',
	'the other one is not concerned');

-- And the cascade itself.
SELECT is(ask('outside', 'SELECT pg_wal_replay_pause()'), '', 'the cascade is paused, too');
INSERT INTO lag_filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 2000) AS i;
SELECT eventually('middle', 'SELECT concat_ws('' '', standby, lag_bytes > 1000000, lag_bytes IS NOT NULL)
	FROM haops.replication_lag WHERE standby = ''outside''', 'outside t t',
	'RP7 its bytes are counted from the leader, not from its source');
SELECT ask('middle', 'SELECT pg_wal_replay_resume()'), ask('outside', 'SELECT pg_wal_replay_resume()') \g /dev/null
SELECT eventually(r, 'SELECT count(*) FROM haops.replication_lag WHERE state <> ''streaming'' OR lag_bytes <> 0', '0',
	'all are level again, says ' || r) FROM (VALUES ('leader'), ('middle')) AS v (r);
SELECT is(ask('leader', 'SELECT count(*) FROM haops.replication_lag WHERE lag < ''0 s'' OR lag_bytes < 0'), '0',
	'RP7 nothing is negative');
SELECT * FROM finish();
