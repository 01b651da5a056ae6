-- explain.sql: plans of the statements of pg_stat_statements, which are never executed, and what is wrong with them.

-- What the plans say does not depend on how the session wants its numbers; planning is with the session's settings.
CREATE FUNCTION haops.explain(queryid bigint,
	OUT "user" text, OUT database text, OUT state text, OUT plan text, OUT note text, OUT search_path text,
	OUT query text)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000 ROWS 1
AS 'MODULE_PATHNAME', 'ha_api_explain';
COMMENT ON FUNCTION haops.explain(bigint) IS
'the generic plan of a statement, one row a role that ran it, with that role''s rights; nothing runs; since 1.0';

CREATE FUNCTION haops.explain_findings(queryid bigint,
	OUT "user" text, OUT finding text, OUT severity text, OUT node text, OUT object text, OUT figure text,
	OUT advice text, OUT statement text)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000 ROWS 5
AS 'MODULE_PATHNAME', 'ha_api_explain_findings';
COMMENT ON FUNCTION haops.explain_findings(bigint) IS
'what is wrong with the plans of haops.explain(): scans, spills, loops, missing indexes; all estimates; since 1.0';

GRANT EXECUTE ON FUNCTION haops.explain(bigint), haops.explain_findings(bigint) TO pg_monitor, haops_operator;
