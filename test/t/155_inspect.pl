# The inspection: RT1 a report of bounded size, RT3 what can't be checked is said, RT4 the same on a primary and its
# standby, RT5 nothing is written or reset; and it waits for nobody.
use strict;
use warnings;
use HaOps;
use Test::More;
use Time::HiRes qw(time);

use constant TABLES => 2_000;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops'\nautovacuum = off\nfsync = off\n" .
	'max_locks_per_transaction = 256');

sub sql { return $server->sql('n1', $_[0]) }

sql('CREATE EXTENSION pg_haops; CREATE ROLE watcher LOGIN IN ROLE pg_monitor');

# Tables that each are a finding of several checks, with names as long and as odd as they can be.
sql("DO \$\$ BEGIN FOR i IN 1 .. " . TABLES . " LOOP
	EXECUTE format('CREATE UNLOGGED TABLE %I (i int, CHECK (i > 0) NOT VALID)', rpad(i || E'\"<script>\\n', 63, '\"'));
	END LOOP; END \$\$");
sql('CREATE TABLE held (i int); CREATE INDEX held_index ON held (i); CREATE SEQUENCE held_sequence MAXVALUE 100');
sql("SELECT setval('held_sequence', 99)");

# ---- RT1 ----

sub report
{
	my ($query, @options) = @_;
	return scalar $server->run_ok('psql', '-X', @options, '-h', $server->{dir}, '-p', $server->node('n1')->{port},
		'-U', 'postgres', '-d', 'postgres', '-c', $query);
}

my $report = report('SELECT * FROM haops.inspect()');
cmp_ok(length $report, '<', 5_000_000, 'RT1 the report of plain psql: ' . length($report) . ' bytes');
like($report, qr/and 1980 more/, 'RT1 ... says how many more there are');
is(sql("SELECT max(n) FROM (SELECT count(*) AS n FROM haops.inspect() GROUP BY \"check\", severity) AS s"), '21',
	'RT1 ... and shows the worst of them');

my $html = report('SELECT * FROM haops.inspect()', '-H');
like($html, qr/&lt;script&gt;/, 'RT2 as HTML, by psql -H: names with markup are there');
unlike($html, qr/<script/, 'RT2 ... escaped');

# The most that checks can say: each has 100,000 findings of each severity, as long as they may be.
sql(<<'SQL');
ALTER FUNCTION haops.inspect_checks() RENAME TO real_checks;
CREATE FUNCTION haops.inspect_checks(
	OUT number integer, OUT "check" text, OUT only_on text, OUT why text, OUT query text)
RETURNS SETOF record LANGUAGE SQL SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.number, c."check", NULL, c.why, $q$
		SELECT s AS severity, repeat('o', 1000) AS object, repeat('f', 1000) AS finding, repeat('x', 600) AS fix,
			repeat('u', 600) AS undo, g AS weight
		FROM generate_series(1, 3000) AS g, unnest(ARRAY['critical', 'warning', 'info']) AS s $q$
	FROM haops.real_checks() AS c
$$;
SQL
$report = report('SELECT * FROM haops.inspect()');
cmp_ok(length $report, '<', 5_000_000, 'RT1 the largest report that there can be: ' . length($report) . ' bytes');
like($report, qr/and 2980 more/, 'RT1 ... which was a flood');

# ---- RT3: limits of time, cancel ----

sql(<<'SQL');
CREATE OR REPLACE FUNCTION haops.inspect_checks(
	OUT number integer, OUT "check" text, OUT only_on text, OUT why text, OUT query text)
RETURNS SETOF record LANGUAGE SQL SET search_path = pg_catalog, pg_temp AS $$
	SELECT g, 'check ' || g, NULL, 'why', $q$
		SELECT 'info' AS severity, '' AS object, '' AS finding, '' AS fix, '' AS undo, 0 AS weight FROM pg_sleep(600)
		$q$ FROM generate_series(1, 5) AS g
$$;
SQL
my $began = time;
is(sql("SELECT count(*) FILTER (WHERE finding LIKE '%longer than its limit of 0.3 s') || '|'
	|| count(*) FILTER (WHERE finding LIKE '%the 1 s of the inspection were over')
	FROM haops.inspect('300 ms', '1 s')"), '3|2', 'RT3 checks beyond their limit, and beyond that of all');
cmp_ok(time - $began, '<', 5, 'RT3 ... in bounded time');
my $session = $server->session('n1');
$session->begin("SELECT count(*) FROM haops.inspect('1 hour', '1 hour')");
$session->until_waiting('PgSleep');
sql('SELECT pg_cancel_backend(' . $session->pid . ')');
like($session->error, qr/canceling statement due to user request/, 'RT3 a cancel ends the whole inspection');
is($session->do("SELECT count(*) FROM haops.inspect('1 ms', '1 s')"), '5', 'RT3 ... and the next one is made');
sql(<<'SQL');
DROP FUNCTION haops.inspect_checks();
ALTER FUNCTION haops.real_checks() RENAME TO inspect_checks;
SQL

# ---- RT3: nobody is waited for ----

my $holder = $server->session('n1');
$holder->do('BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; ALTER SEQUENCE held_sequence MAXVALUE 101;
	LOCK TABLE pg_trigger IN ACCESS EXCLUSIVE MODE');
is(sql("SELECT string_agg(\"check\" || ': ' || finding, ' ') FROM haops.inspect()
	WHERE severity = 'not checked' AND \"check\" <> 'recovery_conflicts'"),
	'disabled_triggers: not checked because canceling statement due to lock timeout',
	'RT3 a catalog that is locked costs its own check only; a table that is, none');
$holder->do('ROLLBACK');

# ---- RT4, RT5 ----

my $reset = "SELECT string_agg(coalesce(stats_reset::text, '-'), ' ') FROM (SELECT stats_reset FROM pg_stat_database
	UNION ALL SELECT stats_reset FROM pg_stat_bgwriter UNION ALL SELECT stats_reset FROM pg_stat_archiver
	UNION ALL SELECT stats_reset FROM pg_stat_wal) AS s";
my $before = sql($reset);
$server->plain_standby('n2', 'n1');
my $items = "SELECT string_agg(concat_ws('|', i.\"check\", i.severity, i.object, i.finding, i.fix, i.undo), E'\\n'
		ORDER BY i.number, i.severity, i.object COLLATE \"C\")
	FROM haops.inspect_rows(60000, 60000, 100) AS i
	WHERE i.\"check\" NOT IN (SELECT c.\"check\" FROM haops.inspect_checks() c WHERE c.only_on IS NOT NULL)
		AND i.\"check\" NOT LIKE 'replication%'";
my $here = sql($items);
is($server->sql('n2', $items), $here, 'RT4 primary and standby say the same');
cmp_ok(($here =~ tr/\n//), '>', 200, 'RT4 ... and that is not nothing');
is($server->sql('n2', "SELECT count(*) FROM haops.inspect() i JOIN haops.inspect_checks() c USING (\"check\")
	WHERE c.only_on = 'primary' AND i.severity = 'not checked' AND i.finding LIKE '%ask the primary'"),
	sql("SELECT count(*) FROM haops.inspect_checks() WHERE only_on = 'primary'"),
	'RT4 ... but for what is said to be known on the primary only');
is(sql('BEGIN READ ONLY; SELECT count(*) > 0 FROM haops.inspect(); COMMIT'), 't', 'RT5 in a read-only transaction');
is(sql("BEGIN; CREATE TEMP TABLE r AS SELECT 1; SAVEPOINT s; DO 'BEGIN PERFORM haops.inspect(); END'; COMMIT"),
	'', 'RT5 within a transaction that writes, in a subtransaction');
is(sql($reset), $before, 'RT5 no statistics are reset');

# ---- By a member of pg_monitor, in parallel plans, in sessions with odd settings ----

my $watcher = $server->session('n1', user => 'watcher');
is($watcher->do("SELECT string_agg(\"check\", ' ' ORDER BY \"check\") FROM haops.inspect()
		WHERE severity = 'not checked'"),
	'client_authentication recovery_conflicts', 'pg_monitor: what it may not see is said');
$session->do("SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET intervalstyle = 'iso_8601'; SET datestyle = 'SQL'; SET search_path = ''; SET lock_timeout = '1ms'");
is($session->do("SELECT string_agg(\"check\" || ': ' || finding, ' ') FROM haops.inspect()
	WHERE severity = 'not checked' AND \"check\" <> 'recovery_conflicts'"), '', 'plans that are parallel');

done_testing();
