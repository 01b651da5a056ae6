# E3, E4, E5, E6, E7, E14, E15, R35: synchronous mode on three nodes. What was written and may not be acknowledged:
# the connection is closed, no CommandComplete leaves, the server goes on. Who waits for standbys can't be
# cancelled, and no setting avoids the wait. Only slots of members count, whatever a client calls itself.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(
	nodes => 3, sync => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 200ms\nwal_sender_timeout = 0");
my $leader = $cluster->until_writable;
my @standbys = grep { $_ ne $leader } $cluster->names;

# The processes of a node whose title matches.
sub processes
{
	my ($name, $title) = @_;
	my $postmaster = $cluster->postmaster($name);

	return map { /(\d+)/ } grep { /$title/ } `ps -o pid=,args= --ppid $postmaster`;
}

# A client that sends one statement and stays; {out} and {err} fill as it is answered.
sub client
{
	my ($query, %env) = @_;
	my $client = { in => '', out => '', err => '' };
	local @ENV{ keys %env } = values %env;

	$client->{run} = IPC::Run::start(['psql', '-XAt', '-h', $cluster->dir, '-p', $cluster->node($leader)->{port},
			'-d', 'postgres', '-c', $query], '<', \$client->{in}, '>', \$client->{out}, '2>', \$client->{err});
	return $client;
}

# The pid of the backend that waits for standbys.
sub waiting
{
	my $query = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'";

	return $cluster->until_true(sub { $cluster->sql($leader, $query) }, 'a commit waits');
}

sub freeze_receivers
{
	my @pids = map { processes($_, 'walreceiver') } @standbys;

	kill 'STOP', @pids;
	return @pids;
}

sub rows
{
	return $cluster->sql($leader, "SELECT coalesce(string_agg(i::text, ' ' ORDER BY i), '') FROM t");
}

sub quorum_in_force
{
	my $query = 'SHOW synchronous_standby_names';

	$cluster->until_true(sub { ($cluster->sql_or_error($leader, $query) // '') =~ /^ANY 1/ }, 'commits wait for one');
	return;
}

$cluster->until_streaming($_, $leader) for @standbys;
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int)');
quorum_in_force();
my $postmaster = $cluster->postmaster($leader);

# E6, E14
my @frozen = freeze_receivers();
my $client = client('INSERT INTO t VALUES (1)');
my $pid = waiting();
$cluster->sql($leader, "SELECT pg_cancel_backend($pid)");
is(waiting(), $pid, 'E14: a cancel does not end the wait');
is(rows(), '', 'E14: and the row is not visible');
kill 'CONT', @frozen;
$client->{run}->finish;
is($client->{out}, "INSERT 0 1\n", 'E14: acknowledged with the quorum');
is($client->{err}, '', 'E14: without a warning');

# E6, E5: SIGTERM
@frozen = freeze_receivers();
$client = client('INSERT INTO t VALUES (2)');
$pid = waiting();
$cluster->sql($leader, "SELECT pg_terminate_backend($pid)");
$client->{run}->finish;
is($client->{out}, '', 'E5: a wait that is cut by SIGTERM acknowledges nothing');
like($client->{err}, qr/server closed the connection/, 'E5: the connection is closed');
is($cluster->postmaster($leader), $postmaster, 'E3, E4: no PANIC');

# E1 in synchronous mode: COMMIT PREPARED and PREPARE TRANSACTION wait, and are not acknowledged when the wait is cut.
kill 'CONT', @frozen;
$cluster->sql($leader, "BEGIN; INSERT INTO t VALUES (6); PREPARE TRANSACTION 'six'");
@frozen = freeze_receivers();
for my $query ("COMMIT PREPARED 'six'", "BEGIN; INSERT INTO t VALUES (7); PREPARE TRANSACTION 'seven'")
{
	$client = client($query);
	$pid = waiting();
	$cluster->sql($leader, "SELECT pg_cancel_backend($pid)");
	is(waiting(), $pid, "E14: a cancel does not end the wait: $query");
	$cluster->sql($leader, "SELECT pg_terminate_backend($pid)");
	$client->{run}->finish;
	unlike($client->{out}, qr/PREPARE/, "E1: no acknowledgement: $query");
	like($client->{err}, qr/server closed the connection/, 'E1: the connection is closed');
}
kill 'CONT', @frozen;
$cluster->sql($leader, "COMMIT PREPARED 'seven'");
@frozen = freeze_receivers();

# R35
for my $level (qw(off local remote_write))
{
	$client = client('INSERT INTO t VALUES (3)', PGOPTIONS => "-c synchronous_commit=$level");
	$pid = waiting();
	pass("R35: synchronous_commit = $level waits all the same");
	$cluster->sql($leader, "SELECT pg_terminate_backend($pid)");
	$client->{run}->finish;
	is($client->{out}, '', "R35: and $level gets no answer");
}

# E7, E15: somebody else takes the name of a standby, in another case.
my $slot = 'stranger';
$cluster->sql($leader, "SELECT pg_create_physical_replication_slot('$slot')");
mkdir $cluster->dir . '/wal';
my $stranger = IPC::Run::start(['pg_receivewal', '-D', $cluster->dir . '/wal', '--synchronous', '-S', $slot, '-d',
		'host=' . $cluster->dir . ' port=' . $cluster->node($leader)->{port} . ' application_name=' . uc $standbys[0]],
	'<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
my $query = 'SELECT count(*) FROM pg_stat_replication'
  . " WHERE application_name = '" . uc($standbys[0]) . "' AND state = 'streaming' AND sync_state = 'quorum'";
$cluster->until_true(sub { $cluster->sql($leader, $query) eq '1' }, 'the stranger counts for PostgreSQL');
$client = client('INSERT INTO t VALUES (4)');
$query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT%(4)' AND wait_event = 'Extension'";
$cluster->until_true(sub { $cluster->sql($leader, $query) eq '1' }, 'PostgreSQL is satisfied, the gate is not');
is($client->{out}, '', 'E7, E15: a stranger with the name of a member does not count');
kill 'CONT', @frozen;
$client->{run}->finish;
is($client->{out}, "INSERT 0 1\n", 'E15: acknowledged when a member has it');
$stranger->kill_kill;

# E5 by the fence: the lease is lost while the commit waits for its quorum.
quorum_in_force();
@frozen = freeze_receivers();
$client = client('INSERT INTO t VALUES (5)');
$pid = waiting();
my @worker = processes($leader, 'pg_haops ha ');
kill 'STOP', @worker;
$cluster->until_true(sub { $cluster->sql($leader, 'SELECT open FROM haops.fence') eq 'f' }, 'the lease is out');
kill 'CONT', @frozen;
$client->{run}->finish;
is($client->{out}, '', 'E5: with its quorum, but without a lease: no acknowledgement');
like($client->{err}, qr/closed without an acknowledgement/, 'E5: the client is told why');
like($client->{err}, qr/server closed the connection/, 'E5: and the connection is closed');
is($cluster->postmaster($leader), $postmaster, 'E3, E4: no PANIC');
cmp_ok($cluster->sql($leader, 'SELECT unacknowledged FROM haops.fence'), '>=', 1, 'it is counted');
kill 'CONT', @worker;

# Whoever leads now has every row that was acknowledged.
$leader = $cluster->until_writable;
my $rows = rows();
like($rows, qr/\b1\b.*\b4\b/, "every acknowledged row is there ($rows)");

undef $cluster;
done_testing();
