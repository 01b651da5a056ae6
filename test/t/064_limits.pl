# S60, S49: two nodes and a witness. A standby with a lower max_connections than the leader may not lead, which is said
# everywhere before it matters, and is well again as soon as it is raised. A standby that is gone pins no more WAL than
# max_slot_wal_keep_size; a clone brings it back.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 2, witnesses => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms\n"
	  . "wal_keep_size = 0\nmax_slot_wal_keep_size = 32MB\nmin_wal_size = 32MB\nmax_wal_size = 64MB");

sub more_connections
{
	my ($name, $more) = @_;
	open(my $conf, '>>', $cluster->data($name) . '/postgresql.conf') or die $!;
	print $conf "max_connections = $more\n";
	close $conf;
	return;
}

my $leader = $cluster->until_writable;
my ($other) = $cluster->others($leader);
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int)');
$cluster->until_streaming($other, $leader);

# ---- S60 ----
{
	my $wanted = $cluster->sql($leader, 'SHOW max_connections') + 20;

	more_connections($leader, $wanted);
	$cluster->stop($leader);
	$cluster->until_writable(20, $other);
	$cluster->start($leader);
	$cluster->until_streaming($leader, $other);
	$cluster->until_true(sub { $cluster->member($leader)->{state} eq 'following' }, 'it is well');
	for my $to ([], [ '--to', $leader ])
	{
		my ($status, $out, $err) = $cluster->run('pg_haops', 'switchover', @$to, '--data', $cluster->data($leader));
		is($status, 1, "S60: no hand-over (@$to) to a member whose limits the old leader does not have");
		like($err, qr/error: max_connections is $wanted on $leader and only \d+ on $other, which could not follow\n/,
			'S60: setting, members and values are named');
		like($err, qr/hint: set max_connections to $wanted on $other, reload /, 'S60: and what to do');
	}
	my ($status, $out, $err) = $cluster->run('pg_haops', 'doctor', '--data', $cluster->data($leader));
	like($out, qr/^warning\s+max_connections is $wanted on $leader and only \d+ on $other,/m, 'S60: so does doctor');

	# SQL does not look at it.
	$cluster->sql($other, "SELECT haops.switchover('$leader')");
	$cluster->until_true(
		sub {
			($cluster->sql_or_error($leader, 'SELECT ready, reason FROM haops.readiness') // '') =~ /^f\|no standby/;
		},
		'the leader knows that nobody can take over');
	$cluster->until_true(
		sub {
			$cluster->sql($leader, "SELECT state, blocks FROM haops.cluster WHERE member = '$other'") eq
			  'blocked|{"replay paused"}';
		}, 'and why');
	($status, $out) = $cluster->run('pg_haops', 'doctor', '--data', $cluster->data($leader));
	like($out, qr/^BAD\s+$other may not lead: replay paused$/m, 'S60: doctor says that the standby is blocked');
	unlike($out, qr/promise and beat are/, 'and nothing of the times, which are the same where they are set');
	$cluster->sql($leader, 'INSERT INTO t VALUES (1)');
	$cluster->kill_postmaster($leader);
	$cluster->pass_time(3);
	is($cluster->sql($other, 'SELECT pg_is_in_recovery()'), 't', 'S60: it is not promoted, nor has it ended');
	$cluster->start($leader);
	is($cluster->until_writable(30, $leader), $leader, 'S60: the leader comes back as such');
	more_connections($other, $wanted);
	$cluster->stop($other);
	$cluster->start($other);
	$cluster->until_streaming($other, $leader);
	$cluster->until_true(sub { $cluster->sql($leader, 'SELECT ready FROM haops.readiness') eq 't' }, 'it may lead');
	pass('S60: with the setting raised the standby may lead again');

	# Raised everywhere without a stop: the standby first, then what the leader is started with by the hand-over.
	more_connections($other, $wanted + 20);
	$cluster->stop($other);
	$cluster->start($other);
	more_connections($leader, $wanted + 20);
	$cluster->run_ok('pg_ctl', '-D', $cluster->data($leader), 'reload');
	$cluster->until_streaming($other, $leader);
	$cluster->until_true(
		sub {
			$cluster->sql($leader, "SELECT pending_restart FROM pg_settings WHERE name = 'max_connections'") eq 't' &&
			  $cluster->sql($leader, 'SELECT ready FROM haops.readiness') eq 't';
		}, 'the leader has read it, and may be relieved');
	($status, $out, $err) = $cluster->run('pg_haops', 'switchover', '--data', $cluster->data($leader));
	is($status, 0, 'S60: a hand-over to higher limits, which the leader has at its next start, too') or diag $err;
	$cluster->until_streaming($leader, $other);
	is($cluster->sql($leader, 'SHOW max_connections'), $wanted + 20, 'S60: the old leader follows with its new limits');
	($leader, $other) = ($other, $leader);
}

# ---- S49 ----
{
	my $slot = "pg_haops_$other";
	my $from = length $cluster->log_of($leader);

	$cluster->stop($other);
	for (1 .. 8)
	{
		$cluster->sql($leader, 'INSERT INTO t VALUES (1)');
		$cluster->sql($leader, 'SELECT pg_switch_wal()');
		$cluster->sql($leader, 'CHECKPOINT') if $_ % 4 == 0;
	}
	$cluster->until_true(
		sub {
			$cluster->sql($leader, 'CHECKPOINT');
			return $cluster->sql($leader, 'SELECT sum(size) <= 112 * 1024 * 1024 FROM pg_ls_waldir()') eq 't';
		}, 'the WAL that the dead member pinned is gone');
	$cluster->until_logged($leader, qr/invalidating (?:obsolete replication )?slot "$slot"/, $from);
	$cluster->until_logged($leader, qr/made the replication slot "$slot"/, $from);
	pass('S49: a slot whose WAL went away is made anew');

	# What it needs is there no more: it is no candidate, and that is said. A clone needs nothing of it.
	$cluster->start($other);
	$cluster->until_true(
		sub {
			$cluster->sql($leader, "SELECT blocks FROM haops.cluster WHERE member = '$other'") eq '{"no WAL comes"}';
		}, 'the leader knows');
	like($cluster->sql($leader, 'SELECT ready, reason FROM haops.readiness'), qr/^f\|no standby that answers could/,
		'S49: a standby whose WAL is gone is no candidate');
	$cluster->stop($other);
	my ($status, $out, $err) = $cluster->run('pg_haops', 'rejoin', '--clone', '--data', $cluster->data($other));
	is($status, 0, 'S49: the member that was away for too long is cloned by hand') or diag $err;
	$cluster->start($other);
	$cluster->until_streaming($other, $leader);
	$cluster->until_true(sub { $cluster->sql($leader, 'SELECT ready FROM haops.readiness') eq 't' }, 'it may lead');
	is($cluster->sql($leader, "SELECT active, wal_status FROM pg_replication_slots WHERE slot_name = '$slot'"),
		't|reserved', 'S49: and it is back, on its slot');
}

undef $cluster;
done_testing();
