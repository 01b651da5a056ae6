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

GRANT SELECT ON haops.redundant_indexes TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.find_redundant_indexes() TO pg_monitor, haops_operator;
