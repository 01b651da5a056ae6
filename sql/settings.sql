-- Every setting, with who may change it and when.
SELECT name, vartype, unit, boot_val, min_val, max_val, context
FROM pg_settings WHERE name LIKE 'pg\_haops.%' ORDER BY name COLLATE "C";

-- No session changes what the fence does.
SET pg_haops.promise = 500;
SET pg_haops.fence_wait = 0;
SET pg_haops.state_directory = '/tmp';

-- Places and addresses are for whoever may edit the configuration files.
ALTER SYSTEM SET pg_haops.state_directory = '/tmp';
ALTER SYSTEM SET pg_haops.key_file = '/tmp/key';
ALTER SYSTEM SET pg_haops.listen_address = '127.0.0.1:1';
ALTER SYSTEM SET pg_haops.replication_options = 'sslmode=require';
ALTER SYSTEM SET pg_haops.archive_command = 'true';
ALTER SYSTEM SET pg_haops.orders_number = 1;

-- Ranges and units. The words differ by version: the code alone is shown.
\set VERBOSITY sqlstate
ALTER SYSTEM SET pg_haops.promise = '100ms';
ALTER SYSTEM SET pg_haops.promise = '2 minutes';
ALTER SYSTEM SET pg_haops.beat = 0;
\set VERBOSITY default

-- The prefix is ours.
SET pg_haops.no_such_setting = 1;
