-- samples.sql: what databases did of late, from samples of their counters: of a primary in a table, of a standby in
-- memory.

CREATE TABLE haops.health_sample (
	taken_at timestamptz NOT NULL, datid oid NOT NULL, started_at timestamptz NOT NULL, counted_since timestamptz,
	blocks_hit bigint, blocks_read bigint, temp_bytes bigint, temp_files bigint, deadlocks bigint, commits bigint,
	rollbacks bigint, PRIMARY KEY (datid, taken_at));
COMMENT ON TABLE haops.health_sample IS 'counters of each database, as the monitor found them; since 1.0';
COMMENT ON COLUMN haops.health_sample.taken_at IS 'when; since 1.0';
COMMENT ON COLUMN haops.health_sample.datid IS 'pg_database.oid; since 1.0';
COMMENT ON COLUMN haops.health_sample.started_at IS
'when that server was started: another one has other counters; since 1.0';
COMMENT ON COLUMN haops.health_sample.counted_since IS 'when its counters began, as far as is known; since 1.0';
COMMENT ON COLUMN haops.health_sample.blocks_hit IS 'as pg_stat_database.blks_hit; since 1.0';
COMMENT ON COLUMN haops.health_sample.blocks_read IS 'as blks_read; since 1.0';
COMMENT ON COLUMN haops.health_sample.temp_bytes IS 'as temp_bytes; since 1.0';
COMMENT ON COLUMN haops.health_sample.temp_files IS 'as temp_files; since 1.0';
COMMENT ON COLUMN haops.health_sample.deadlocks IS 'as deadlocks; since 1.0';
COMMENT ON COLUMN haops.health_sample.commits IS 'as xact_commit; since 1.0';
COMMENT ON COLUMN haops.health_sample.rollbacks IS 'as xact_rollback; since 1.0';

CREATE FUNCTION haops.health_take()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at timestamptz := clock_timestamp();
BEGIN
	INSERT INTO haops.health_sample
	SELECT at, d.datid, pg_postmaster_start_time(), d.stats_reset, d.blks_hit, d.blks_read, d.temp_bytes,
		d.temp_files, d.deadlocks, d.xact_commit, d.xact_rollback
	FROM pg_stat_database d WHERE d.datid <> 0;
	DELETE FROM haops.health_sample s
	WHERE s.taken_at < clock_timestamp() - make_interval(secs =>
		coalesce((SELECT p.setting FROM pg_settings p WHERE p.name = 'pg_haops.sample_retention'), '604800')::float8);
END
$$;
COMMENT ON FUNCTION haops.health_take() IS 'takes a sample into haops.health_sample, and removes old ones; since 1.0';

CREATE FUNCTION haops.standby_samples(
	OUT taken_at timestamptz, OUT datid oid, OUT counted_since timestamptz, OUT blocks_hit bigint,
	OUT blocks_read bigint, OUT temp_bytes bigint, OUT temp_files bigint, OUT deadlocks bigint, OUT commits bigint,
	OUT rollbacks bigint)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_standby_samples';
COMMENT ON FUNCTION haops.standby_samples() IS
'the last samples of a standby''s own counters, which are kept in its memory; empty on a primary; since 1.0';

CREATE VIEW haops.cache_hit AS
	WITH sample AS (
		SELECT t.* FROM haops.health_sample t WHERE NOT pg_is_in_recovery()
		UNION ALL
		SELECT h.taken_at, h.datid, pg_postmaster_start_time(), h.counted_since, h.blocks_hit, h.blocks_read,
			h.temp_bytes, h.temp_files, h.deadlocks, h.commits, h.rollbacks
		FROM haops.standby_samples() h),
	last AS (
		SELECT DISTINCT ON (s.datid) s.* FROM sample s ORDER BY s.datid, s.taken_at DESC),
	first AS (
		SELECT DISTINCT ON (s.datid) s.* FROM sample s JOIN last l USING (datid)
		WHERE s.counted_since IS NOT DISTINCT FROM l.counted_since AND s.taken_at > l.taken_at - interval '1 hour'
			AND s.started_at = l.started_at
		ORDER BY s.datid, s.taken_at)
	SELECT d.datname AS database, l.taken_at, l.taken_at - f.taken_at AS over,
		l.blocks_hit - f.blocks_hit AS blocks_hit, l.blocks_read - f.blocks_read AS blocks_read,
		CASE WHEN l.blocks_hit - f.blocks_hit + l.blocks_read - f.blocks_read >= 100000
			THEN round(100.0 * (l.blocks_hit - f.blocks_hit)
				/ (l.blocks_hit - f.blocks_hit + l.blocks_read - f.blocks_read), 2) END AS hit_percent,
		l.temp_bytes - f.temp_bytes AS temp_bytes, l.temp_files - f.temp_files AS temp_files,
		l.deadlocks - f.deadlocks AS deadlocks, l.commits - f.commits AS commits, l.rollbacks - f.rollbacks AS rollbacks
	FROM last l JOIN first f USING (datid)
	JOIN pg_catalog.pg_database d ON d.oid = l.datid
	WHERE f.taken_at < l.taken_at AND l.blocks_hit >= f.blocks_hit AND l.blocks_read >= f.blocks_read
		AND l.temp_bytes >= f.temp_bytes AND l.commits >= f.commits;
COMMENT ON VIEW haops.cache_hit IS
'what each database did over the last hour of samples, on this server since it took the lead or, on a standby, since
its start; no row where counters began anew; since 1.0';
COMMENT ON COLUMN haops.cache_hit.database IS 'name; since 1.0';
COMMENT ON COLUMN haops.cache_hit.taken_at IS 'when the last sample was taken; since 1.0';
COMMENT ON COLUMN haops.cache_hit.over IS 'the time between the two samples; since 1.0';
COMMENT ON COLUMN haops.cache_hit.blocks_hit IS 'pages found in shared buffers; since 1.0';
COMMENT ON COLUMN haops.cache_hit.blocks_read IS 'pages asked of the kernel, which may have had them; since 1.0';
COMMENT ON COLUMN haops.cache_hit.hit_percent IS
'pages found, of all; NULL: fewer than 100,000 pages, too few to judge; since 1.0';
COMMENT ON COLUMN haops.cache_hit.temp_bytes IS 'written to temporary files; since 1.0';
COMMENT ON COLUMN haops.cache_hit.temp_files IS 'temporary files made; since 1.0';
COMMENT ON COLUMN haops.cache_hit.deadlocks IS 'deadlocks; since 1.0';
COMMENT ON COLUMN haops.cache_hit.commits IS 'transactions committed; since 1.0';
COMMENT ON COLUMN haops.cache_hit.rollbacks IS 'transactions rolled back; since 1.0';

GRANT SELECT ON haops.health_sample, haops.cache_hit TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.standby_samples() TO pg_monitor, haops_operator;
