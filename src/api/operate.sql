-- operate.sql: what operators ask of the cluster. Each function only asks; the leader decides, and the answer comes
-- when a majority of the members has it.

CREATE FUNCTION haops.switchover(member text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_switchover';
COMMENT ON FUNCTION haops.switchover(text) IS
'hands the leadership over to this member, or to the best one; returns when it has begun; since 1.0';

CREATE FUNCTION haops.pause()
RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_pause';
COMMENT ON FUNCTION haops.pause() IS
'no automatic failover until haops.resume(); the leader goes on without a lease; since 1.0';

CREATE FUNCTION haops.resume()
RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_resume';
COMMENT ON FUNCTION haops.resume() IS 'ends haops.pause(); since 1.0';

CREATE FUNCTION haops.set_priority(member text, priority integer)
RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_set_priority';
COMMENT ON FUNCTION haops.set_priority(text, integer) IS
'decides between equally advanced members, higher first; 0: never the leader; since 1.0';

CREATE FUNCTION haops.set_sync(wanted integer, minimum integer DEFAULT 0)
RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_set_sync';
COMMENT ON FUNCTION haops.set_sync(integer, integer) IS
'commits wait for this many other members, for as many as are alive but never fewer than the minimum; 0: for none;
since 1.0';

GRANT EXECUTE ON FUNCTION
	haops.switchover(text), haops.pause(), haops.resume(), haops.set_priority(text, integer),
	haops.set_sync(integer, integer)
	TO haops_operator;
