-- Every setting, with who may change it and when.
SELECT s.name, s.vartype, s.unit, s.boot_val, s.min_val, s.max_val, s.context, f.flags
FROM pg_settings s, LATERAL (
	SELECT array_agg(flag ORDER BY flag COLLATE "C") AS flags
	FROM unnest(pg_settings_get_flags(s.name)) AS flag) f
WHERE s.name LIKE 'pg\_haops.%'
ORDER BY s.name COLLATE "C";

-- No session changes what the fence does.
SET pg_haops.promise = 500;
SET pg_haops.fence_wait = 0;
SET pg_haops.state_directory = '/tmp';

-- Places and addresses are for whoever may edit the configuration files.
ALTER SYSTEM SET pg_haops.state_directory = '/tmp';
ALTER SYSTEM SET pg_haops.key_file = '/tmp/key';
ALTER SYSTEM SET pg_haops.listen_address = '127.0.0.1:1';
ALTER SYSTEM SET pg_haops.replication_options = 'sslmode=require';
ALTER SYSTEM SET pg_haops.orders_number = 1;

-- Ranges and units.
ALTER SYSTEM SET pg_haops.promise = '100ms';
ALTER SYSTEM SET pg_haops.promise = '2 minutes';
ALTER SYSTEM SET pg_haops.beat = 0;

-- The prefix is ours.
SET pg_haops.no_such_setting = 1;
