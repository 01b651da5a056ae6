-- settings.sql: settings that differ between members: what a failover would change.

CREATE TABLE haops.member_settings (member text PRIMARY KEY, taken_at timestamptz, fault text, settings jsonb);
COMMENT ON TABLE haops.member_settings IS
'the settings of each member of the cluster; since 1.0';
COMMENT ON COLUMN haops.member_settings.member IS 'its name; "this server": there is no cluster; since 1.0';
COMMENT ON COLUMN haops.member_settings.taken_at IS 'when it was last heard; NULL: never; since 1.0';
COMMENT ON COLUMN haops.member_settings.fault IS 'why it was not heard the last time; NULL: it was; since 1.0';
COMMENT ON COLUMN haops.member_settings.settings IS
'name: value for new sessions, in the unit of the setting; since 1.0';

-- Not asked for: what belongs to one server or one session, what pg_haops itself sets, and what may hold a secret.
CREATE FUNCTION haops.settings_query() RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT $query$
		SELECT pg_catalog.json_object_agg(s.name, s.reset_val ORDER BY s.name)
		FROM pg_catalog.pg_settings s
		WHERE s.context <> 'internal' AND s.name !~ '^transaction_' AND s.name <> ALL (ARRAY[
			'application_name', 'client_encoding', 'cluster_name', 'config_file', 'data_directory', 'external_pid_file',
			'hba_file', 'ident_file', 'listen_addresses', 'pg_haops.key_file', 'pg_haops.listen_address',
			'pg_haops.orders_number', 'pg_haops.state_directory', 'port', 'primary_conninfo', 'primary_slot_name',
			'restore_command', 'ssl_passphrase_command', 'synchronous_standby_names', 'unix_socket_directories',
			'wal_retrieve_retry_interval'])$query$
$$;
COMMENT ON FUNCTION haops.settings_query() IS
'what each member is asked for its settings: a query with one row and one column; since 1.0';

CREATE FUNCTION haops.settings_store(of_member text, answer json) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE haops.member_settings m SET taken_at = clock_timestamp(), fault = NULL,
		settings = CASE json_typeof(answer) WHEN 'object' THEN answer::jsonb END
	WHERE m.member = of_member
$$;
COMMENT ON FUNCTION haops.settings_store(text, json) IS
'stores what a member answered to haops.settings_query(); since 1.0';

CREATE FUNCTION haops.settings_missed(of_member text, why text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ UPDATE haops.member_settings SET fault = why WHERE member = of_member $$;
COMMENT ON FUNCTION haops.settings_missed(text, text) IS
'stores why a member did not answer haops.settings_query(); since 1.0';

CREATE FUNCTION haops.settings_take() RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer json;
BEGIN
	DELETE FROM haops.member_settings m WHERE m.member NOT IN (SELECT d.member FROM haops.data_members() d);
	INSERT INTO haops.member_settings SELECT d.member FROM haops.data_members() d ON CONFLICT DO NOTHING;
	EXECUTE haops.settings_query() INTO answer;
	PERFORM haops.settings_store(d.member, answer) FROM haops.data_members() d WHERE d.this_server;
END
$$;
COMMENT ON FUNCTION haops.settings_take() IS
'takes this server''s settings; the monitor goes on with those of the other members; since 1.0';

CREATE VIEW haops.settings_drift AS
	WITH named AS (
		SELECT s.name, m.member, s.value
		FROM haops.member_settings m CROSS JOIN LATERAL pg_catalog.jsonb_each_text(m.settings) AS s (name, value)),
	differing AS (
		SELECT n.name, pg_catalog.jsonb_object_agg(n.member, n.value) AS values,
			pg_catalog.count(DISTINCT n.value) = 1 AS not_everywhere
		FROM named n GROUP BY n.name
		-- Those of a library are known in sessions that have loaded it.
		HAVING pg_catalog.count(DISTINCT n.value) > 1 OR n.name !~ '\.'
			AND pg_catalog.count(*) < (SELECT pg_catalog.count(m.settings) FROM haops.member_settings m))
	SELECT d.name, s.unit, d.values, s.context,
		CASE WHEN d.not_everywhere THEN 'not every member knows it: they are of different versions'
			WHEN d.name IN ('max_connections', 'max_worker_processes', 'max_wal_senders',
				'max_prepared_transactions', 'max_locks_per_transaction', 'wal_level') THEN
				'a standby with less than the primary stands still when the primary changes it, and can''t follow'
			ELSE 'a failover changes it for all clients' END AS note,
		(SELECT pg_catalog.min(m.taken_at) FROM haops.member_settings m) AS taken_at
	FROM differing d LEFT JOIN pg_catalog.pg_settings s ON s.name = d.name;
COMMENT ON VIEW haops.settings_drift IS
'settings that differ between the members of the cluster, as the monitor last saw them: what a failover would change;
not those of one server alone (names, addresses, places), and not what pg_haops sets itself; since 1.0';
COMMENT ON COLUMN haops.settings_drift.name IS 'of the setting; since 1.0';
COMMENT ON COLUMN haops.settings_drift.unit IS 'of the values; since 1.0';
COMMENT ON COLUMN haops.settings_drift.values IS 'of each member, for new sessions; since 1.0';
COMMENT ON COLUMN haops.settings_drift.context IS 'when it can be changed; since 1.0';
COMMENT ON COLUMN haops.settings_drift.note IS 'what it means; since 1.0';
COMMENT ON COLUMN haops.settings_drift.taken_at IS 'when the one heard longest ago was heard; since 1.0';

GRANT SELECT ON haops.member_settings, haops.settings_drift TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.settings_query() TO pg_monitor, haops_operator;
