-- Settings that differ between the members.
SET search_path = public, tap;
SELECT plan(8);
SELECT eventually('leader', 'SELECT count(*) FROM haops.member_settings WHERE fault IS NULL AND taken_at IS NOT NULL',
	'3', 'all members were asked');
SELECT is(ask('leader', 'SELECT concat_ws('' '', name, "values") FROM haops.settings_drift'), NULL,
	'in a sound cluster nothing differs');
SELECT is(ask('leader', 'SELECT count(*) FROM haops.member_settings
	WHERE settings ?| ARRAY[''primary_conninfo'', ''ssl_passphrase_command'']
		OR NOT settings ? ''shared_preload_libraries'''),
	'0', 'nothing that may be a secret is kept');
SELECT is(ask('other', 'ALTER SYSTEM SET work_mem = ''12MB'''), 'ALTER SYSTEM', 'another setting on a standby');
SELECT is(ask('other', 'SELECT pg_reload_conf()'), 't', 'that is in force');
SELECT eventually('leader', 'SELECT concat_ws('' '', name, unit, "values" ->> (SELECT member FROM haops.cluster
		WHERE this_server), (SELECT count(*) FROM jsonb_each_text("values") AS v WHERE v.value = ''12288''))
	FROM haops.settings_drift', 'work_mem kB 4096 1', 'it is found, by its name and its values');
SELECT eventually('middle', 'SELECT name FROM haops.settings_drift', 'work_mem', 'on a standby, too');
SELECT is(ask('leader', 'SELECT concat_ws('': '', severity, object) FROM haops.inspect()
	WHERE "check" = ''settings_drift'''), 'info: setting work_mem', 'and the inspection has it');
SELECT * FROM finish();
