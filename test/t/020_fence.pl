# E1, E1b, E2, S4, S5, S37, S38: the fence on one member. Its ha worker is frozen until the lease is out: nothing that
# has a durable effect is acknowledged, everything else goes on; when the worker goes on, so do the writes. And the
# cold start and the crash restart of R36 (E8, E16).
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(
	nodes => 1, options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 200ms");
my $refusal = qr/does not hold the lease of the leader/;

sub ha_worker
{
	my $postmaster = $cluster->postmaster('n1');
	my ($line) = grep { /pg_haops ha / } `ps -o pid=,args= --ppid $postmaster`;

	return $line =~ /(\d+)/ ? $1 : die 'no ha worker';
}

# A client with one statement, which stays.
sub client
{
	my ($query) = @_;
	my $client = { out => '', err => '' };

	$client->{run} = IPC::Run::start(['psql', '-XAtq', '-h', $cluster->dir, '-p', $cluster->node('n1')->{port},
			'-d', 'postgres', '-c', $query], '<', '/dev/null', '>', \$client->{out}, '2>', \$client->{err});
	return $client;
}

# The backend that runs it.
sub backend
{
	my ($like) = @_;

	return $cluster->until_true(
		sub { $cluster->sql('n1', "SELECT pid FROM pg_stat_activity WHERE query LIKE '$like' AND state = 'active'") },
		"$like runs");
}

# Freezes the ha worker and waits until the lease is out.
sub fence
{
	my $pid = ha_worker();

	kill 'STOP', $pid;
	$cluster->until_true(sub { $cluster->sql('n1', 'SELECT open FROM haops.fence') eq 'f' }, 'the lease is out');
	return $pid;
}

sub unfence
{
	my ($pid) = @_;

	kill 'CONT', $pid;
	$cluster->until_true(sub { $cluster->sql('n1', 'SELECT open FROM haops.fence') eq 't' }, 'the lease is back');
	return;
}

sub refused
{
	my ($query, $what) = @_;
	my $answer = $cluster->sql_or_error('n1', $query);

	is($answer, undef, "$what is refused");
	like($cluster->{error}, $refusal, "$what: one clear error");
	return;
}

$cluster->until_writable;
$cluster->sql('n1', $_) for ('CREATE EXTENSION pg_haops', 'CREATE TABLE t (i int)', 'CREATE SEQUENCE s',
	'CREATE TABLE big (i int) WITH (autovacuum_enabled = off)', "SELECT nextval('s')");
$cluster->sql('n1', "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'one'");
$cluster->sql('n1', "BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'two'");

my $postmaster = $cluster->postmaster('n1');
my $worker = fence();

# E2
refused('INSERT INTO t VALUES (10)', 'E2: an INSERT');
refused('CREATE TABLE no (i int)', 'E2: a CREATE TABLE');
refused('BEGIN; INSERT INTO t VALUES (11); COMMIT', 'E2: an INSERT in a block');
refused('DO $$ BEGIN INSERT INTO t VALUES (12); COMMIT; END $$', 'E2: a COMMIT in a procedure');
my (undef, undef, $state) = $cluster->run('psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-h', $cluster->dir, '-p',
	$cluster->node('n1')->{port}, '-d', 'postgres', '-c', 'INSERT INTO t VALUES (13)');
is($state, "ERROR:  25006\n", 'E2: read_only_sql_transaction');
is($cluster->sql('n1', 'SELECT count(*) FROM t'), '0', 'E2: nothing of it is there');

# E1
refused("COMMIT PREPARED 'one'", 'E1: COMMIT PREPARED');
refused("ROLLBACK PREPARED 'two'", 'E1: ROLLBACK PREPARED');
refused("BEGIN; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'three'", 'PREPARE TRANSACTION');
is($cluster->sql('n1', "SELECT string_agg(gid, ' ' ORDER BY gid) FROM pg_prepared_xacts"), 'one two',
	'E1: the prepared transactions are as they were');

# S37
refused("SELECT nextval('s')", 'S37: nextval, though it needs no WAL');
refused("SELECT setval('s', 100)", 'S37: setval');
refused("SELECT pg_logical_emit_message(false, 'p', 'm')", 'S37: a message outside of the transaction');
refused("SELECT lo_create(4711)", 'S37: a large object');
refused("SELECT pg_create_restore_point('here')", 'S37: a restore point');
refused('ANALYZE pg_class', 'S37: ANALYZE');

# S38
refused('SET transaction_read_only = off; SET synchronous_commit = off; SET default_transaction_read_only = off;'
	  . ' INSERT INTO t VALUES (14)', 'S38: a session with settings of its own');
is($cluster->sql_or_error('n1', 'SET pg_haops.fence_wait = 0'), undef, 'S38: no SET of ours');

# E1b
is($cluster->sql('n1', 'SELECT 1'), '1', 'E1b: login and SELECT go on');
is($cluster->sql('n1', 'SELECT count(*) FROM pg_class') > 100 ? 1 : 0, 1, 'E1b: the catalog can be read');
is($cluster->sql('n1', 'BEGIN; SELECT count(*) FROM t; ROLLBACK'), '0', 'E1b: a block that only reads');
is($cluster->sql_or_error('n1', 'VACUUM t'), '', 'plain VACUUM acknowledges nothing that could be missed later');
is($cluster->sql_or_error('n1', 'CHECKPOINT'), '', 'nor does CHECKPOINT');
is($cluster->sql_or_error('n1', 'BEGIN; INSERT INTO t VALUES (15); ROLLBACK'), '', 'nor does a ROLLBACK');
cmp_ok($cluster->sql('n1', 'SELECT refused FROM haops.fence'), '>=', 14, 'the refusals are counted');

unfence($worker);
is($cluster->postmaster('n1'), $postmaster, 'E3, E4: the server was not restarted');
$cluster->sql('n1', "COMMIT PREPARED 'one'");
$cluster->sql('n1', "ROLLBACK PREPARED 'two'");
is($cluster->sql('n1', 'SELECT string_agg(i::text, \' \') FROM t'), '1', 'E1: then they are finished as asked');
is($cluster->sql('n1', "SELECT nextval('s') >= 2"), 't', 'nextval goes on');

# The wait: a lease that comes back in time costs nothing but time.
$cluster->sql('n1', "ALTER SYSTEM SET pg_haops.fence_wait = '20s'; ");
$cluster->sql('n1', 'SELECT pg_reload_conf()');
$worker = fence();
{
	my $client = client('INSERT INTO t VALUES (20) RETURNING i');

	backend('INSERT%');
	unfence($worker);
	$client->{run}->finish;
	is($client->{out}, "20\n", 'fence_wait: a commit waits for a lease that comes back');
}

# E16: a backend is killed; the same postmaster comes back in recovery, and is elected.
is($cluster->sql('n1', 'SELECT count(*) FROM t'), '2', 'two rows are there');
my $term = $cluster->sql('n1', 'SELECT term FROM haops.fence');
{
	my $client = client('SELECT pg_sleep(60)');

	kill 'KILL', backend('SELECT pg\_sleep%');
	$client->{run}->finish;
}
$cluster->until_writable;
is($cluster->postmaster('n1'), $postmaster, 'E16: the same postmaster');
cmp_ok($cluster->sql('n1', 'SELECT term FROM haops.fence'), '>', $term, 'E16: by an election, in a higher term');
is($cluster->sql('n1', 'SELECT count(*) FROM t'), '2', 'E16: with all rows');

# R36, cold start
$cluster->stop('n1', 'immediate');
$cluster->start('n1');
is($cluster->sql('n1', 'SELECT pg_is_in_recovery()'), 't', 'R36: a start after a crash is a standby at first');
$cluster->until_writable;
is($cluster->sql('n1', 'SELECT count(*) FROM t'), '2', 'R36: and leads by an election');

undef $cluster;
done_testing();
