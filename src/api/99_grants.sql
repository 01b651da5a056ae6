-- 99_grants.sql: nothing of the schema is for everybody. What each role may do stands at the end of each part.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA haops FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA haops FROM PUBLIC;

GRANT USAGE ON SCHEMA haops TO pg_monitor, haops_operator;
