-- 10_schema.sql: the one schema of pg_haops, and the role of its operators.

CREATE SCHEMA haops;
COMMENT ON SCHEMA haops IS 'pg_haops: high availability and operations; since 1.0';

-- Roles belong to the whole server, so it may be there from another database.
DO $$
BEGIN
	PERFORM FROM pg_catalog.pg_roles WHERE rolname = 'haops_operator';
	IF NOT FOUND THEN
		CREATE ROLE haops_operator NOLOGIN;
		COMMENT ON ROLE haops_operator IS 'may change the cluster by the functions of schema haops; since 1.0';
	END IF;
END
$$;
