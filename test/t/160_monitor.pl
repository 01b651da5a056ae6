# The monitor: takes samples in every database that has the extension, when they are due; a sample that fails is told
# and tried again; nobody waits for it, and on a standby and on a member without the lease it rests.
use strict;
use warnings;
use HaOps;
use Test::More;

my $server = HaOps->plain(options => "shared_preload_libraries = 'pg_haops'\nfsync = off\n" .
	"pg_haops.health_interval = 1s\npg_haops.statements_interval = 1s\npg_haops.indexes_interval = 0");

sub sql { return $server->sql('n1', $_[0]) }

# The last run of a duty in a database: its outcome.
sub run_of
{
	my ($database, $duty) = @_;
	return sql("SELECT concat_ws(': ', outcome, message)
	FROM haops.monitor WHERE database = '$database' AND duty = '$duty'");
}

sub samples { return sql('SELECT count(DISTINCT taken_at) FROM haops.health_sample') }

sql('CREATE DATABASE without');
sql('CREATE EXTENSION pg_haops');
$server->until_true(sub { samples() >= 2 }, 'samples are taken, again and again');
is(run_of('postgres', 'health'), 'done', 'a sample, and that it was taken');
$server->until_true(sub { run_of('without', 'health') ne '' }, 'the other database is looked at');
is(run_of('without', 'health'), 'no extension', 'a database without the extension: said');
is(sql("SELECT count(*) FROM haops.monitor WHERE database LIKE 'template%'"), '0', 'templates are left alone');
is(sql("SELECT count(*) FROM haops.monitor WHERE duty = 'indexes'"), '0', 'an interval of zero: never');
cmp_ok(sql("SELECT max(took) < interval '5 seconds' FROM haops.monitor"), 'eq', 't', 'it takes no time to speak of');

# Somebody holds what the sample needs: given up soon, told, tried again.
my $holder = $server->session('n1');
$holder->do('BEGIN; LOCK TABLE haops.health_sample IN ACCESS EXCLUSIVE MODE');
$server->until_true(sub { run_of('postgres', 'health') =~ /^failed/ }, 'a sample that fails');
like(run_of('postgres', 'health'), qr/^failed: canceling statement due to lock timeout$/,
	'a sample that fails says why');
my $waits = sql("SELECT count(*) FROM haops.lock_waits WHERE wait_age > interval '2 seconds'");
is($waits, '0', 'it does not wait for long');
$holder->do('COMMIT');
$server->until_true(sub { run_of('postgres', 'health') eq 'done' }, 'it is taken again');
like($server->log_of('n1'), qr/WARNING:  pg_haops: the monitor could not take its sample of health/,
	'the log has it once');

# A database can go although it is looked at, and may come back.
sql('DROP DATABASE without');
$server->until_true(sub { sql("SELECT count(*) FROM haops.monitor WHERE database = 'without'") eq '0' },
	'its runs are forgotten');

sql('ALTER SYSTEM SET pg_haops.monitor = off');
sql('SELECT pg_reload_conf()');
my $last = sql('SELECT max(started_at) FROM haops.monitor');
$server->pass_time(2.5);
is(sql('SELECT max(started_at) FROM haops.monitor'), $last, 'switched off, it rests');
is(sql("SELECT sum(size) > 0 FROM pg_ls_waldir()"), 't', 'and the server goes on');

# Old samples go.
sql("UPDATE haops.health_sample SET taken_at = taken_at - interval '8 days'");
sql('SELECT haops.health_take()');
is(samples(), '1', 'what is older than the retention goes with the next sample');

# ---- In a cluster ----

undef $server;
my $cluster = HaOps->new(nodes => 3, options => 'pg_haops.health_interval = 1s');
my ($leader) = $cluster->leader;
my ($standby) = $cluster->others($leader);
# A database of its own: one that was seen without the extension is not looked at again for a minute.
sub count_of
{
	my ($name, $from) = @_;
	my ($status, $out) = $cluster->run('psql', '-XAtq', '-h', $cluster->dir, '-p', $cluster->node($name)->{port},
		'-d', 'sampled', '-c', "SELECT count(*) FROM $from");
	return $status == 0 ? $out + 0 : 0;
}
$cluster->sql($leader, 'CREATE DATABASE sampled');
$cluster->session($leader, dbname => 'sampled')->do('CREATE EXTENSION pg_haops');
$cluster->until_true(sub { count_of($leader, 'haops.health_sample') > 0 }, 'the leader samples');
$cluster->until_true(sub { count_of($standby, 'haops.health_sample') > 0 }, 'the standby has the samples');
is(count_of($standby, 'haops.monitor'), 0, 'a standby takes none itself');
$cluster->run_ok('pg_haops', 'switchover', '--data', $cluster->data($leader), '--to', $standby);
$cluster->until_true(sub { $cluster->leader eq $standby }, 'the other one leads');
$cluster->until_true(sub { count_of($standby, "haops.monitor WHERE duty = 'health' AND outcome = 'done'") > 0 },
	'the new leader goes on with samples');
pass('the new leader goes on with samples');
done_testing();
