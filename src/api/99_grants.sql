-- 99_grants.sql: who may do what. Reading is for pg_monitor, changing the cluster for haops_operator, and for nobody
-- else.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA haops FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA haops FROM PUBLIC;

GRANT USAGE ON SCHEMA haops TO pg_monitor, haops_operator;

GRANT SELECT ON haops.cluster, haops.events, haops.readiness, haops.fence, haops.roles TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION
	haops.cluster_members(), haops.event_list(), haops.readiness_now(), haops.fence_now(), haops.role_table()
	TO pg_monitor, haops_operator;

GRANT EXECUTE ON FUNCTION
	haops.switchover(text), haops.pause(), haops.resume(), haops.set_priority(text, integer),
	haops.set_sync(integer, integer)
	TO haops_operator;
