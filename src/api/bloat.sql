-- bloat.sql: where the space went, and what would give it back.

CREATE FUNCTION haops.relation_bloat(of_relation regclass,
	OUT relation regclass, OUT part text, OUT access_method text, OUT bytes bigint, OUT live_bytes bigint,
	OUT padding_bytes bigint, OUT dropped_column_bytes bigint, OUT dead_bytes bigint, OUT held_bytes bigint,
	OUT free_bytes bigint, OUT fillfactor_reserve_bytes bigint, OUT deleted_pages_bytes bigint,
	OUT reclaimable_bytes bigint, OUT reclaimable_percent double precision, OUT low_percent double precision,
	OUT high_percent double precision, OUT lasting_percent double precision, OUT reclaimable_by text,
	OUT verdict text, OUT method text, OUT pages_read bigint, OUT pages_total bigint, OUT note text)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 5
AS 'MODULE_PATHNAME', 'ha_api_relation_bloat';
COMMENT ON FUNCTION haops.relation_bloat(regclass) IS
'bloat of a table with its TOAST table and indexes, or of one index, from at most 1,000 pages of each; waits for no lock
and writes nothing; since 1.0';

GRANT EXECUTE ON FUNCTION haops.relation_bloat(regclass) TO pg_monitor, haops_operator;
