-- index_usage.sql: which indexes nobody uses, on no member: PostgreSQL counts scans on each server by itself.

CREATE TABLE haops.index_usage_member (
	member text PRIMARY KEY, is_primary boolean NOT NULL, counted_since timestamptz, taken_at timestamptz, fault text);
COMMENT ON TABLE haops.index_usage_member IS 'the members of the cluster and the windows of their counters; since 1.0';
COMMENT ON COLUMN haops.index_usage_member.member IS 'its name; "this server": there is no cluster; since 1.0';
COMMENT ON COLUMN haops.index_usage_member.is_primary IS 'it was the primary at the last sample; since 1.0';
COMMENT ON COLUMN haops.index_usage_member.counted_since IS
'when its counters began: a reset, a crash, or its making; NULL: never heard; since 1.0';
COMMENT ON COLUMN haops.index_usage_member.taken_at IS 'when it was last heard; NULL: never; since 1.0';
COMMENT ON COLUMN haops.index_usage_member.fault IS 'why it was not heard the last time; NULL: it was; since 1.0';

CREATE TABLE haops.index_usage (
	member text NOT NULL, index_relation oid NOT NULL, scans bigint NOT NULL, tuples_read bigint NOT NULL,
	tuples_fetched bigint NOT NULL, last_scan timestamptz, PRIMARY KEY (member, index_relation));
COMMENT ON TABLE haops.index_usage IS
'indexes of this database with scans on a member, and the counters at its last sample; since 1.0';
COMMENT ON COLUMN haops.index_usage.member IS 'as in haops.index_usage_member; since 1.0';
COMMENT ON COLUMN haops.index_usage.index_relation IS 'pg_class.oid of the index; since 1.0';
COMMENT ON COLUMN haops.index_usage.scans IS
'scans begun by executions, and by the planner when it looks at an end of the index; since 1.0';
COMMENT ON COLUMN haops.index_usage.tuples_read IS 'entries that they returned; since 1.0';
COMMENT ON COLUMN haops.index_usage.tuples_fetched IS 'live rows that they fetched; since 1.0';
COMMENT ON COLUMN haops.index_usage.last_scan IS 'the last of them; NULL before PostgreSQL 16; since 1.0';

CREATE TABLE haops.index_seen (index_relation oid PRIMARY KEY, seen_at timestamptz NOT NULL);
COMMENT ON TABLE haops.index_seen IS
'since when each index of this database has been there, as far as is known; since 1.0';
COMMENT ON COLUMN haops.index_seen.index_relation IS 'pg_class.oid of the index; since 1.0';
COMMENT ON COLUMN haops.index_seen.seen_at IS 'the first sample that found it; since 1.0';

-- ---- Samples ----

-- The same question to every member. A reset by hand shows in pg_stat_database; a crash, after which all counters begin
-- anew, only in those of the whole server, which are all reset at once then. Ages, for clocks differ.
CREATE FUNCTION haops.index_usage_query() RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format($query$
		SELECT pg_catalog.json_build_object(
			'counted_s', extract(epoch FROM pg_catalog.clock_timestamp() - greatest(d.stats_reset,
				least(b.stats_reset, a.stats_reset, w.stats_reset)))::float8,
			'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indexrelid::bigint,
					pg_catalog.pg_stat_get_numscans(i.indexrelid), pg_catalog.pg_stat_get_tuples_returned(i.indexrelid),
					pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid), %s))
				FROM pg_catalog.pg_index i
				WHERE i.indexrelid >= 16384 AND pg_catalog.pg_stat_get_numscans(i.indexrelid) > 0))
		FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a, pg_catalog.pg_stat_wal w,
			pg_catalog.pg_stat_database d
		WHERE d.datname = pg_catalog.current_database()$query$,
		CASE WHEN current_setting('server_version_num')::int >= 160000
			THEN 'extract(epoch FROM pg_catalog.clock_timestamp() -'
				|| ' pg_catalog.pg_stat_get_lastscan(i.indexrelid))::float8'
			ELSE 'NULL' END)
$$;
COMMENT ON FUNCTION haops.index_usage_query() IS
'what each member is asked for its counters: a query with one row and one column; since 1.0';

CREATE FUNCTION haops.index_usage_store(of_member text, answer json) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	WITH said AS MATERIALIZED (
		SELECT (e ->> 0)::oid AS index_relation, (e ->> 1)::bigint AS scans, (e ->> 2)::bigint AS tuples_read,
			(e ->> 3)::bigint AS tuples_fetched,
			clock_timestamp() - make_interval(secs => (e ->> 4)::float8) AS last_scan
		FROM json_array_elements(CASE json_typeof(answer -> 'indexes') WHEN 'array' THEN answer -> 'indexes' END) AS e),
	forgotten AS (
		DELETE FROM haops.index_usage u WHERE u.member = of_member
			AND NOT EXISTS (SELECT FROM said s WHERE s.index_relation = u.index_relation))
	INSERT INTO haops.index_usage AS u
	SELECT of_member, s.index_relation, s.scans, s.tuples_read, s.tuples_fetched, s.last_scan FROM said s
	ON CONFLICT (member, index_relation) DO UPDATE SET (scans, tuples_read, tuples_fetched, last_scan) =
		(excluded.scans, excluded.tuples_read, excluded.tuples_fetched, excluded.last_scan)
	WHERE (u.scans, u.tuples_read, u.tuples_fetched) IS DISTINCT FROM
		(excluded.scans, excluded.tuples_read, excluded.tuples_fetched);

	UPDATE haops.index_usage_member SET taken_at = clock_timestamp(), fault = NULL,
		counted_since = clock_timestamp() - make_interval(secs => (answer ->> 'counted_s')::float8)
	WHERE member = of_member
$$;
COMMENT ON FUNCTION haops.index_usage_store(text, json) IS
'stores what a member answered to haops.index_usage_query(); since 1.0';

CREATE FUNCTION haops.index_usage_missed(of_member text, why text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ UPDATE haops.index_usage_member SET fault = why WHERE member = of_member $$;
COMMENT ON FUNCTION haops.index_usage_missed(text, text) IS
'stores why a member did not answer haops.index_usage_query(); since 1.0';

CREATE FUNCTION haops.index_usage_take() RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer json;
BEGIN
	DELETE FROM haops.index_usage_member m WHERE m.member NOT IN (SELECT d.member FROM haops.data_members() d);
	DELETE FROM haops.index_usage u WHERE u.member NOT IN (SELECT d.member FROM haops.data_members() d);
	INSERT INTO haops.index_usage_member AS m
	SELECT d.member, d.this_server FROM haops.data_members() d
	ON CONFLICT (member) DO UPDATE SET is_primary = excluded.is_primary WHERE m.is_primary <> excluded.is_primary;

	DELETE FROM haops.index_seen s
	WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = s.index_relation);
	INSERT INTO haops.index_seen
	SELECT i.indexrelid, clock_timestamp() FROM pg_index i
	WHERE i.indexrelid >= 16384 AND NOT EXISTS (
		SELECT FROM haops.index_seen s WHERE s.index_relation = i.indexrelid);
	EXECUTE haops.index_usage_query() INTO answer;
	PERFORM haops.index_usage_store(d.member, answer) FROM haops.data_members() d WHERE d.this_server;
END
$$;
COMMENT ON FUNCTION haops.index_usage_take() IS
'takes this server''s counters of indexes; the monitor goes on with those of the other members; since 1.0';

-- ---- The verdicts ----

CREATE VIEW haops.unused_indexes AS
	WITH RECURSIVE up AS (		-- partitions of an index are judged with it
		SELECT h.inhrelid AS leaf, h.inhparent AS top
		FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_index i ON i.indexrelid = h.inhrelid
		UNION ALL
		SELECT u.leaf, h.inhparent FROM up u JOIN pg_catalog.pg_inherits h ON h.inhrelid = u.top),
	counted AS (
		SELECT coalesce(p.top, u.index_relation) AS index_relation, u.member, pg_catalog.sum(u.scans)::bigint AS scans,
			pg_catalog.sum(u.tuples_read)::bigint AS tuples_read, pg_catalog.max(u.last_scan) AS last_scan
		FROM haops.index_usage u LEFT JOIN up p ON p.leaf = u.index_relation
		GROUP BY 1, 2),
	usage AS (
		SELECT c.index_relation, pg_catalog.sum(c.scans)::bigint AS scans,
			pg_catalog.sum(c.tuples_read)::bigint AS tuples_read, pg_catalog.max(c.last_scan) AS last_scan,
			coalesce(pg_catalog.sum(c.scans) FILTER (WHERE m.is_primary), 0) AS on_primary,
			pg_catalog.jsonb_object_agg(c.member, c.scans) AS scans_by_member
		FROM counted c JOIN haops.index_usage_member m ON m.member = c.member
		GROUP BY c.index_relation),
	heard AS (
		SELECT pg_catalog.max(m.counted_since) AS counted_since,
			pg_catalog.string_agg(m.member, ', ' ORDER BY m.counted_since DESC NULLS LAST, m.member) AS members,
			pg_catalog.string_agg(pg_catalog.format('%s was not heard %s', m.member, CASE WHEN m.fault IS NULL
					THEN pg_catalog.format('since %s', pg_catalog.date_trunc('second', m.taken_at))
					ELSE pg_catalog.format('the last time: %s', m.fault) END), '; ' ORDER BY m.member)
				FILTER (WHERE m.fault IS NOT NULL OR m.taken_at IS NULL OR m.counted_since IS NULL
					OR m.taken_at < pg_catalog.clock_timestamp() - interval '1 hour') AS unheard,
			coalesce((SELECT p.setting FROM pg_catalog.pg_settings p WHERE p.name = 'pg_haops.unused_index_after'),
				'2592000')::double precision * interval '1 second' AS needed
		FROM haops.index_usage_member m),
	judged AS (
		SELECT n.nspname, t.relname AS table_name, c.relname, c.relkind, i.indexrelid, i.indrelid,
			coalesce(u.scans, 0) AS scans, coalesce(u.tuples_read, 0) AS tuples_read, u.last_scan,
			coalesce(u.scans_by_member, '{}') AS scans_by_member,
			greatest(w.counted_since, s.seen_at) AS counted_since, w.unheard, w.needed,
			w.members IS NOT NULL AND s.seen_at IS NOT NULL AS sampled, s.seen_at > w.counted_since AS young,
			i.indexprs IS NOT NULL AS on_expression, i.indpred IS NOT NULL AS partial,
			coalesce(u.scans, 0) > 0 AND u.on_primary = 0 AS standbys_only,
			(SELECT k.conname FROM pg_catalog.pg_constraint k
				WHERE k.conrelid = i.indrelid AND k.contype = 'f'
					AND (i.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1] <@ k.conkey
					AND k.conkey <@ (i.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1]
				ORDER BY k.conname LIMIT 1) AS serves
		FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
		JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
		LEFT JOIN usage u ON u.index_relation = i.indexrelid
		LEFT JOIN haops.index_seen s ON s.index_relation = i.indexrelid
		CROSS JOIN heard w
		WHERE NOT c.relispartition AND i.indisvalid AND i.indisready AND i.indislive
			AND NOT (i.indisunique OR i.indisexclusion OR i.indisreplident)
			AND t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
			AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND n.nspname <> 'haops'
			AND (u.scans IS NULL OR u.on_primary = 0 OR u.scans <= 100 AND u.tuples_read <= u.scans)),
	verdicts AS (
		SELECT j.*, CASE WHEN j.standbys_only THEN 'used on standbys only'
			WHEN NOT j.sampled THEN 'insufficient history'
			WHEN j.unheard IS NOT NULL THEN 'unknown'
			WHEN j.counted_since > pg_catalog.clock_timestamp() - j.needed THEN 'insufficient history'
			WHEN j.scans > 0 THEN 'hardly scanned'
			WHEN j.serves IS NOT NULL THEN 'serves a foreign key'
			ELSE 'unused' END AS verdict
		FROM judged j)
	SELECT v.nspname AS schema, v.table_name AS "table", v.relname AS index, v.verdict,
		CASE v.verdict
			WHEN 'used on standbys only' THEN 'dropping it would cost the queries on standbys'
			WHEN 'unknown' THEN v.unheard
			WHEN 'insufficient history' THEN CASE
				WHEN NOT v.sampled THEN 'no sample has seen it yet: see haops.monitor'
				WHEN v.young THEN pg_catalog.format('known since %s', pg_catalog.date_trunc('second', v.counted_since))
				ELSE pg_catalog.format('a member counts since %s only: it crashed, was reset or was made then',
					pg_catalog.date_trunc('second', v.counted_since)) END
			WHEN 'hardly scanned' THEN
				'at most a row a scan; the planner''s looks at an end of an index are counted as scans, too'
			WHEN 'serves a foreign key' THEN pg_catalog.format(
				'without it, each change of a row that %I references would read the whole table', v.serves)
			ELSE pg_catalog.format('not scanned on any member since %s',
				pg_catalog.date_trunc('second', v.counted_since)) END AS why,
		v.scans, v.tuples_read, v.last_scan, v.scans_by_member, v.counted_since,
		haops.index_bytes(v.indexrelid) AS bytes,
		NULLIF(pg_catalog.array_remove(ARRAY[
			CASE WHEN v.on_expression THEN 'the statistics of its expressions go with it' END,
			CASE WHEN v.partial THEN 'partial: what uses it may be rare' END], NULL), '{}') AS warnings,
		CASE v.verdict WHEN 'unused' THEN pg_catalog.format('DROP INDEX %s%I.%I',
			CASE v.relkind WHEN 'i' THEN 'CONCURRENTLY ' ELSE '' END, v.nspname, v.relname) END AS drop_statement,
		CASE v.verdict WHEN 'unused' THEN haops.index_create_statement(v.indexrelid) END AS create_statement,
		v.indexrelid AS index_relation
	FROM verdicts v;
COMMENT ON VIEW haops.unused_indexes IS
'indexes that no query seems to use on any member, with how sure that is; what keeps a rule (unique, exclusion, replica
identity) is not listed; partitions count for their parent; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.schema IS 'of the table and its indexes; since 1.0';
COMMENT ON COLUMN haops.unused_indexes."table" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.index IS 'its name; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.verdict IS
'unused; hardly scanned; serves a foreign key; used on standbys only; insufficient history; unknown: a member was not
heard; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.why IS 'what the verdict rests on; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.scans IS
'begun on all members since their counters began, by executions and by the planner; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.tuples_read IS 'entries that they returned; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.last_scan IS 'the last of them; NULL before PostgreSQL 16; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.scans_by_member IS 'of each member that has any; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.counted_since IS
'for how long all members'' counters, and the index itself, have been there; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.bytes IS 'on disk, of all partitions; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.warnings IS 'to be thought of first; NULL: nothing; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.drop_statement IS 'what drops it; NULL: don''t; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.create_statement IS
'what brings it back; NULL: not dropped, or not to be known without waiting for a lock; since 1.0';
COMMENT ON COLUMN haops.unused_indexes.index_relation IS 'pg_class.oid of the index; since 1.0';

GRANT SELECT ON haops.index_usage_member, haops.index_usage, haops.index_seen, haops.unused_indexes
	TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.index_usage_query() TO pg_monitor, haops_operator;
