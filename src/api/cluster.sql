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
COMMENT ON COLUMN haops.cluster.member IS 'name of the member; since 1.0';
COMMENT ON COLUMN haops.cluster.id IS 'number of the member, never used again; since 1.0';
COMMENT ON COLUMN haops.cluster.kind IS 'data: has a server; witness: only votes; since 1.0';
COMMENT ON COLUMN haops.cluster.role IS 'leader, standby, learner (does not vote yet) or witness; since 1.0';
COMMENT ON COLUMN haops.cluster.state IS 'what is to be said of it first, in a word; since 1.0';
COMMENT ON COLUMN haops.cluster.votes IS 'whether it counts for a majority; since 1.0';
COMMENT ON COLUMN haops.cluster.priority IS
'decides between equally advanced members, higher first; 0: never the leader; since 1.0';
COMMENT ON COLUMN haops.cluster.sync IS
'quorum: may be waited for by commits; async: not; NULL: the leader, a witness; since 1.0';
COMMENT ON COLUMN haops.cluster.term IS 'term in which the end of its WAL was written; since 1.0';
COMMENT ON COLUMN haops.cluster.timeline IS 'timeline of the end of its WAL; since 1.0';
COMMENT ON COLUMN haops.cluster.lsn IS 'end of the WAL that it holds on disk; since 1.0';
COMMENT ON COLUMN haops.cluster.replay_lsn IS 'end of the WAL that it has replayed; since 1.0';
COMMENT ON COLUMN haops.cluster.lag_bytes IS 'bytes of WAL that the leader has and it has not; since 1.0';
COMMENT ON COLUMN haops.cluster.last_seen IS 'time since the leader heard of it; since 1.0';
COMMENT ON COLUMN haops.cluster.lease IS 'what is left of the lease, told by the leader itself; since 1.0';
COMMENT ON COLUMN haops.cluster.blocks IS 'why it can''t become the leader; NULL: it can; since 1.0';
COMMENT ON COLUMN haops.cluster.address IS 'where its server takes clients; since 1.0';
COMMENT ON COLUMN haops.cluster.peer_address IS 'where it takes the other members; since 1.0';
COMMENT ON COLUMN haops.cluster.this_server IS 'whether it is the one that answers; since 1.0';

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
COMMENT ON COLUMN haops.events."time" IS 'when, by the clock of the member that told it; since 1.0';
COMMENT ON COLUMN haops.events.member IS 'who told it; since 1.0';
COMMENT ON COLUMN haops.events.term IS 'term of that member then; since 1.0';
COMMENT ON COLUMN haops.events.kind IS 'what happened, in a word; since 1.0';
COMMENT ON COLUMN haops.events.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.events.about IS 'the member that it is about; since 1.0';
COMMENT ON COLUMN haops.events.lsn IS 'position in the WAL, where it has one; since 1.0';
COMMENT ON COLUMN haops.events.value IS 'a number that belongs to it, in the unit that the message says; since 1.0';
COMMENT ON COLUMN haops.events.message IS 'what happened, in a sentence; since 1.0';

CREATE FUNCTION haops.readiness_now(
	OUT ready boolean, OUT candidate text, OUT loss_bytes bigint, OUT reason text)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_readiness';
COMMENT ON FUNCTION haops.readiness_now() IS 'source of haops.readiness; since 1.0';

CREATE VIEW haops.readiness AS SELECT * FROM haops.readiness_now();
COMMENT ON VIEW haops.readiness IS
'would a failover succeed now, to whom, losing how much, and what stands against it; the leader knows; since 1.0';
COMMENT ON COLUMN haops.readiness.ready IS 'whether a failure of the leader would fail over now; since 1.0';
COMMENT ON COLUMN haops.readiness.candidate IS 'the member that would take over; since 1.0';
COMMENT ON COLUMN haops.readiness.loss_bytes IS
'bytes of WAL that it does not hold yet; 0 in synchronous mode; since 1.0';
COMMENT ON COLUMN haops.readiness.reason IS 'what stands against it, in a sentence; since 1.0';

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
COMMENT ON COLUMN haops.fence.member IS 'whether this server is a member of a cluster; since 1.0';
COMMENT ON COLUMN haops.fence.role IS 'its role, see haops.roles; since 1.0';
COMMENT ON COLUMN haops.fence.term IS 'its term; since 1.0';
COMMENT ON COLUMN haops.fence.leader IS 'the leader that it knows; since 1.0';
COMMENT ON COLUMN haops.fence.open IS 'whether commits are acknowledged here; since 1.0';
COMMENT ON COLUMN haops.fence.lease IS 'what is left of the lease, on the leader; since 1.0';
COMMENT ON COLUMN haops.fence.refused IS 'commits that were refused since the server started; since 1.0';
COMMENT ON COLUMN haops.fence.unacknowledged IS
'commits that were written but never acknowledged, since the server started; since 1.0';

CREATE FUNCTION haops.role_table(
	OUT role text, OUT trigger text, OUT next_role text, OUT sentence text)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ha_api_roles';
COMMENT ON FUNCTION haops.role_table() IS 'source of haops.roles; since 1.0';

CREATE VIEW haops.roles AS SELECT * FROM haops.role_table();
COMMENT ON VIEW haops.roles IS 'the roles of a member and the only ways between them; since 1.0';
COMMENT ON COLUMN haops.roles.role IS 'the role that is left; since 1.0';
COMMENT ON COLUMN haops.roles.trigger IS 'what happened; since 1.0';
COMMENT ON COLUMN haops.roles.next_role IS 'the role that is taken; since 1.0';
COMMENT ON COLUMN haops.roles.sentence IS 'when and why; since 1.0';

GRANT SELECT ON haops.cluster, haops.events, haops.readiness, haops.fence, haops.roles TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION
	haops.cluster_members(), haops.event_list(), haops.readiness_now(), haops.fence_now(), haops.role_table()
	TO pg_monitor, haops_operator;
