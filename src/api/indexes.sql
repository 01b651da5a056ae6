-- indexes.sql: which indexes can go, which are broken, and which are missing behind foreign keys.

CREATE FUNCTION haops.find_redundant_indexes(
	OUT namespace oid, OUT relation oid, OUT table_name name, OUT index_relation oid, OUT index_name name,
	OUT covering_relation oid, OUT covering_name name, OUT verdict text, OUT why text, OUT bytes bigint,
	OUT drop_statement text, OUT create_statement text, OUT warnings text[])
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1000
AS 'MODULE_PATHNAME', 'ha_api_redundant_indexes';
COMMENT ON FUNCTION haops.find_redundant_indexes() IS 'source of haops.redundant_indexes; since 1.0';

CREATE VIEW haops.redundant_indexes AS
	SELECT n.nspname AS schema, r.table_name AS "table", r.index_name AS index, r.covering_name AS covered_by,
		r.verdict, r.why, r.bytes, r.drop_statement, r.create_statement, r.warnings, r.index_relation,
		r.covering_relation
	FROM haops.find_redundant_indexes() r
	JOIN pg_catalog.pg_namespace n ON n.oid = r.namespace;
COMMENT ON VIEW haops.redundant_indexes IS
'indexes of which another index of the table does all the work; never one of a constraint, of replica identity, of a
partition, nor an invalid one; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.schema IS 'of the table and its indexes; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes."table" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.index IS
'which can go; a partitioned one stands for all its partitions; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.covered_by IS
'the index that does its work, and is not redundant itself; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.verdict IS
'redundant; information: see the warnings, it depends on the queries; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.why IS 'what the other index has; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.bytes IS 'on disk now, of all its partitions together; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.drop_statement IS 'what drops it; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.create_statement IS
'what brings it back; NULL: not known while its table is locked; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.warnings IS 'to be thought of first; NULL: nothing; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.index_relation IS 'pg_class.oid of the index; since 1.0';
COMMENT ON COLUMN haops.redundant_indexes.covering_relation IS 'pg_class.oid of the one that covers it; since 1.0';

-- ---- Single indexes ----

CREATE FUNCTION haops.index_bytes(index oid) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_index_bytes';
COMMENT ON FUNCTION haops.index_bytes(oid) IS
'bytes of an index on disk, of a partitioned one of all its partitions, without waiting; NULL: it is gone; since 1.0';

CREATE FUNCTION haops.index_create_statement(index oid) RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_index_create_statement';
COMMENT ON FUNCTION haops.index_create_statement(oid) IS
'what brings an index back; NULL: it is gone, or not to be known without waiting for a lock; since 1.0';

-- ---- Invalid ----

-- A leftover of REINDEX CONCURRENTLY is one by its name and by the index beside it that it was made from or after.
CREATE VIEW haops.invalid_indexes AS
	WITH broken AS (
		SELECT i.*, c.relname, c.relkind, c.relnamespace, c.relispartition,
			pg_catalog.substring(c.relname::text, '^(.*)_cc(?:new|old)\d*$') AS origin,
			pg_catalog.substring(c.relname::text, '_(cc(?:new|old))\d*$') AS suffix
		FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
		WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)),
	named AS (
		SELECT b.*, n.nspname, t.relname AS table_name,
			CASE b.relkind WHEN 'I' THEN '' ELSE 'CONCURRENTLY ' END AS concurrently,
			pg_catalog.format('%I.%I', n.nspname, b.relname) AS qualified,
			(SELECT p.phase FROM pg_catalog.pg_stat_progress_create_index p
				WHERE p.index_relid = b.indexrelid AND p.datname = pg_catalog.current_database() LIMIT 1) AS phase,
			EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted
				AND l.relation IN (b.indexrelid, b.indrelid)
				AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'AccessExclusiveLock')
				AND l.pid NOT IN (SELECT v.pid FROM pg_catalog.pg_stat_progress_vacuum v)
				AND l.pid NOT IN (SELECT v.pid FROM pg_catalog.pg_stat_progress_analyze v)
				AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
					WHERE d.datname = pg_catalog.current_database())) AS locked,
			CASE WHEN b.suffix IS NOT NULL THEN (
				SELECT o.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class o ON o.oid = i.indexrelid
				WHERE i.indrelid = b.indrelid AND i.indexrelid <> b.indexrelid
					AND i.indisvalid AND i.indisready AND i.indislive
					AND i.indkey = b.indkey AND i.indclass = b.indclass AND i.indcollation = b.indcollation
					AND i.indoption = b.indoption AND i.indisunique = b.indisunique
					AND (i.indexprs IS NULL) = (b.indexprs IS NULL) AND (i.indpred IS NULL) = (b.indpred IS NULL)
					AND pg_catalog.starts_with(o.relname::text, b.origin)
				ORDER BY o.relname LIMIT 1) END AS twin,
			(SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits h
				WHERE b.relkind = 'I' AND h.inhparent = b.indrelid AND NOT EXISTS (
					SELECT FROM pg_catalog.pg_inherits x
					JOIN pg_catalog.pg_index p ON p.indexrelid = x.inhrelid
					WHERE x.inhparent = b.indexrelid AND p.indrelid = h.inhrelid AND p.indisvalid)) AS lacking
		FROM broken b
		JOIN pg_catalog.pg_class t ON t.oid = b.indrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = b.relnamespace),
	judged AS (
		SELECT x.*, CASE WHEN x.phase IS NOT NULL THEN 'building'
			WHEN x.relkind = 'I' THEN 'incomplete'
			WHEN x.locked THEN 'in progress'
			WHEN pg_catalog.pg_is_in_recovery() THEN 'unknown'
			WHEN NOT x.indislive THEN 'half dropped'
			WHEN x.twin IS NOT NULL THEN 'leftover'
			ELSE 'failed' END AS state
		FROM named x)
	SELECT j.nspname AS schema, j.table_name AS "table", j.relname AS index, j.state,
		CASE j.state WHEN 'building' THEN 'CREATE INDEX or REINDEX is at work: ' || j.phase
			WHEN 'in progress' THEN 'somebody holds a lock on it or its table as for CREATE or DROP INDEX CONCURRENTLY'
			WHEN 'unknown' THEN 'being built, or left behind: only the primary knows'
			WHEN 'incomplete' THEN pg_catalog.format(
				'%s partitions have no valid index attached: it was created ON ONLY the parent', j.lacking)
			WHEN 'half dropped' THEN 'DROP INDEX CONCURRENTLY did not finish'
			WHEN 'leftover' THEN pg_catalog.format(CASE j.suffix
				WHEN 'ccnew' THEN 'REINDEX CONCURRENTLY failed while it built this; %I is as it was'
				ELSE 'REINDEX CONCURRENTLY did not finish; %I has taken its place' END, j.twin)
			ELSE 'CREATE INDEX CONCURRENTLY failed' || CASE WHEN j.indisunique THEN
				', perhaps because of duplicates: remove these first' ELSE '' END END AS why,
		j.indisready AS costs_writes,
		haops.index_bytes(j.indexrelid) AS bytes,
		CASE WHEN j.state IN ('half dropped', 'leftover', 'failed') AND NOT j.relispartition AND NOT EXISTS (
				SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = j.indexrelid)
			THEN pg_catalog.format('DROP INDEX %s%s', j.concurrently, j.qualified) END AS drop_statement,
		CASE j.state WHEN 'failed' THEN pg_catalog.format('REINDEX INDEX %s%s', j.concurrently, j.qualified)
			WHEN 'incomplete' THEN pg_catalog.format('ALTER INDEX %s ATTACH PARTITION ...', j.qualified)
			END AS repair_statement,
		j.indexrelid AS index_relation
	FROM judged j;
COMMENT ON VIEW haops.invalid_indexes IS
'indexes that no query uses, and why: being built, failed, left behind, or incomplete; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.schema IS 'of the table and its indexes; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes."table" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.index IS 'its name; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.state IS
'building; in progress; failed; leftover (of REINDEX CONCURRENTLY); half dropped; incomplete (partitioned: never to be
dropped for that); unknown (on a standby); since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.why IS 'what is known of it; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.costs_writes IS 'every write of the table maintains it; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.bytes IS 'on disk now; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.drop_statement IS 'what drops it; NULL: don''t; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.repair_statement IS 'what makes it valid; NULL: nothing, or wait; since 1.0';
COMMENT ON COLUMN haops.invalid_indexes.index_relation IS 'pg_class.oid of the index; since 1.0';

-- ---- Foreign keys ----

CREATE FUNCTION haops.index_serves_key(
	index pg_catalog.pg_index, key_columns smallint[], operators oid[], first_column boolean) RETURNS boolean
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ha_api_index_serves_key';
COMMENT ON FUNCTION haops.index_serves_key(pg_catalog.pg_index, smallint[], oid[], boolean) IS
'source of haops.unindexed_foreign_keys: does the index find the rows of a key, or begin with one of its columns at
least; since 1.0';

CREATE VIEW haops.unindexed_foreign_keys AS
	-- The keys of partitioned tables that have no index for them themselves, with those of their partitions.
	WITH RECURSIVE part AS (
		SELECT k.oid AS root, k.oid FROM pg_catalog.pg_constraint k
		JOIN pg_catalog.pg_class t ON t.oid = k.conrelid AND t.relkind = 'p'
		WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = k.conrelid
				AND haops.index_serves_key(i.*, k.conkey, k.conpfeqop, false))
		UNION ALL
		SELECT p.root, k.oid FROM part p JOIN pg_catalog.pg_constraint k ON k.conparentid = p.oid),
	-- Where a partition has none of its own either; where all have, the key needs no more.
	lacking AS (
		SELECT p.root FROM part p
		JOIN pg_catalog.pg_constraint k ON k.oid = p.oid
		JOIN pg_catalog.pg_class t ON t.oid = k.conrelid AND t.relkind = 'r'
		WHERE NOT EXISTS (
			SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = k.conrelid
				AND haops.index_serves_key(i.*, k.conkey, k.conpfeqop, false)))
	SELECT n.nspname AS schema, t.relname AS "table", k.conname AS constraint,
		(SELECT pg_catalog.array_agg(a.attname ORDER BY p.place) FROM pg_catalog.unnest(k.conkey)
			WITH ORDINALITY AS p (attnum, place)
			JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum) AS columns,
		rn.nspname AS referenced_schema, r.relname AS referenced_table,
		nullif(t.reltuples, -1)::bigint AS rows_estimated,
		pg_catalog.pg_stat_get_tuples_deleted(r.oid) + pg_catalog.pg_stat_get_tuples_updated(r.oid)
			AS referenced_changes,
		(SELECT pg_catalog.min(c.relname::text) FROM pg_catalog.pg_index i
			JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = k.conrelid AND i.indkey[0] = ANY (k.conkey)
				AND haops.index_serves_key(i.*, k.conkey, k.conpfeqop, true))
			AS partly_by,
		pg_catalog.format('CREATE INDEX %sON %I.%I (%s)', CASE t.relkind WHEN 'p' THEN '' ELSE 'CONCURRENTLY ' END,
			n.nspname, t.relname, (
				SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY p.place)
				FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS p (attnum, place)
				JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum)) AS create_statement
	FROM pg_catalog.pg_constraint k
	JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
	JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
	JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
	WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relpersistence <> 't'
		-- What is not enforced (18) looks for nothing, and is never valid.
		AND (k.convalidated OR coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true))
		AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = ANY (k.conkey)
				AND haops.index_serves_key(i.*, k.conkey, k.conpfeqop, false))
		AND (t.relkind <> 'p' OR k.oid IN (SELECT l.root FROM lacking l));
COMMENT ON VIEW haops.unindexed_foreign_keys IS
'foreign keys of which each DELETE or UPDATE of a referenced row reads the whole referencing table; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.schema IS 'of the referencing table; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys."table" IS 'the referencing table; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.constraint IS 'name of the foreign key; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.columns IS 'its columns, of the referencing table; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.referenced_schema IS 'of the referenced table; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.referenced_table IS 'the referenced table; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.rows_estimated IS
'rows of the referencing table; NULL: never vacuumed nor analyzed; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.referenced_changes IS
'rows deleted and updated in the referenced table since its counters began; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.partly_by IS
'an index that begins with one of the columns, perhaps enough; since 1.0';
COMMENT ON COLUMN haops.unindexed_foreign_keys.create_statement IS 'what would index it; since 1.0';

GRANT SELECT ON haops.invalid_indexes, haops.unindexed_foreign_keys TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.index_bytes(oid), haops.index_create_statement(oid),
	haops.index_serves_key(pg_catalog.pg_index, smallint[], oid[], boolean) TO pg_monitor, haops_operator;
GRANT SELECT ON haops.redundant_indexes TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.find_redundant_indexes() TO pg_monitor, haops_operator;
