-- cluster.sql: what the cluster is and what happened, the same on every node.

CREATE FUNCTION haops.cluster_members(
	OUT member text, OUT id integer, OUT kind text, OUT role text, OUT state text, OUT votes boolean,
	OUT priority integer, OUT sync text, OUT term bigint, OUT timeline integer, OUT lsn pg_lsn, OUT replay_lsn pg_lsn,
	OUT lag_bytes bigint, OUT last_seen interval, OUT lease interval, OUT blocks text[], OUT address text,
	OUT peer_address text, OUT this_server boolean)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_cluster_members';
COMMENT ON FUNCTION haops.cluster_members() IS 'source of haops.cluster; since 1.0';

CREATE VIEW haops.cluster AS SELECT * FROM haops.cluster_members();
COMMENT ON VIEW haops.cluster IS
'the members of the cluster as the leader last told them; empty on a server that is no member; since 1.0';

CREATE FUNCTION haops.event_list(
	OUT "time" timestamptz, OUT member text, OUT term bigint, OUT kind text, OUT severity text, OUT about text,
	OUT lsn pg_lsn, OUT value bigint, OUT message text)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_events';
COMMENT ON FUNCTION haops.event_list() IS 'source of haops.events, oldest first; since 1.0';

CREATE VIEW haops.events AS
	SELECT e."time", e.member, e.term, e.kind, e.severity, e.about, e.lsn, e.value, e.message
	FROM haops.event_list() WITH ORDINALITY AS e ("time", member, term, kind, severity, about, lsn, value, message, n)
	ORDER BY e.n DESC;
COMMENT ON VIEW haops.events IS 'what happened in the cluster, newest first: the last 256 events; since 1.0';

CREATE FUNCTION haops.readiness_now(
	OUT ready boolean, OUT candidate text, OUT loss_bytes bigint, OUT reason text)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_readiness';
COMMENT ON FUNCTION haops.readiness_now() IS 'source of haops.readiness; since 1.0';

CREATE VIEW haops.readiness AS SELECT * FROM haops.readiness_now();
COMMENT ON VIEW haops.readiness IS
'would a failover succeed now, to whom, losing how much, and what stands against it; the leader knows; since 1.0';

CREATE FUNCTION haops.fence_now(
	OUT member boolean, OUT role text, OUT term bigint, OUT leader text, OUT open boolean, OUT lease interval,
	OUT refused bigint, OUT unacknowledged bigint)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_fence';
COMMENT ON FUNCTION haops.fence_now() IS 'source of haops.fence; since 1.0';

CREATE VIEW haops.fence AS SELECT * FROM haops.fence_now();
COMMENT ON VIEW haops.fence IS
'this server: its part in the cluster, whether it may acknowledge commits, and how many it did not; since 1.0';

CREATE FUNCTION haops.role_table(
	OUT role text, OUT trigger text, OUT next_role text, OUT sentence text)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ha_api_roles';
COMMENT ON FUNCTION haops.role_table() IS 'source of haops.roles; since 1.0';

CREATE VIEW haops.roles AS SELECT * FROM haops.role_table();
COMMENT ON VIEW haops.roles IS 'the roles of a member and the only ways between them; since 1.0';
