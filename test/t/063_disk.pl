# S31, S7: two nodes and a witness, one synchronous standby. The standby's disk takes writes and flushes none: nothing
# is acknowledged on the strength of it, whatever the session's synchronous_commit. Then the leader's disk hangs: it
# gives the leadership back although all its processes live, and comes back as a standby when the disk does.
use strict;
use warnings;
use Test::More;
use File::Basename ();
use HaOps;

my $cluster = HaOps->new(nodes => 2, witnesses => 1, sync => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms\npg_haops.stall_limit = 1s");
my $dir = $cluster->dir;
my ($status) = $cluster->run($ENV{CC} // 'cc', '-shared', '-fPIC', '-O2', '-o', "$dir/hanging_disk.so",
	File::Basename::dirname(__FILE__) . '/hanging_disk.c', '-ldl');
plan skip_all => 'no C compiler' if $status != 0;

sub set_disk
{
	my ($name, $mode) = @_;

	open(my $out, -e "$dir/$name.disk" ? '+<' : '>', "$dir/$name.disk") or die $!;
	syswrite $out, $mode;
	close $out;
	return;
}

# Whatever happens, nobody hangs when the story ends.
END { set_disk($_, '-') for $cluster ? $cluster->names : () }

sub restart_with_disk
{
	my ($name) = @_;

	set_disk($name, '-');
	local $ENV{LD_PRELOAD} = "$dir/hanging_disk.so";
	local $ENV{HANGING_DISK} = "$dir/$name.disk";
	$cluster->stop($name);
	$cluster->start($name);
	return;
}

my $first = $cluster->until_writable;
my ($leader) = $cluster->others($first);
my $standby = $first;
$cluster->sql($first, 'CREATE EXTENSION pg_haops');
$cluster->sql($first, 'CREATE TABLE t (i int)');
restart_with_disk($leader);
$cluster->until_streaming($leader, $first);
$cluster->run_ok('pg_haops', 'switchover', '--to', $leader, '--data', $cluster->data($first));
$cluster->until_streaming($standby, $leader);
restart_with_disk($standby);
$cluster->until_streaming($standby, $leader);
is($cluster->until_writable(20), $leader, 'a leader and a standby');

# ---- S31 ----

sub standby_is { my ($what) = @_; return $cluster->sql($leader, "SELECT $what FROM pg_stat_replication") eq 't' }

# Again when the standby was in the middle of a flush: then it writes nothing either.
my ($client, $row) = (undef, 0);
$cluster->until_true(
	sub {
		my $end = Time::HiRes::time() + 5;
		my $written;

		$cluster->until_true(sub { standby_is('flush_lsn = pg_current_wal_lsn()') }, 'the standby has everything');
		$row--;
		set_disk($standby, 'f');
		$client = $cluster->client($leader,
			"SET synchronous_commit = remote_write; INSERT INTO t VALUES ($row) RETURNING i");
		$cluster->until_true(
			sub {
				$written = standby_is('write_lsn >= pg_current_wal_lsn() AND flush_lsn < write_lsn');
				return $written || Time::HiRes::time() > $end;
			}, 'the standby has written it');
		return 1 if $written;
		set_disk($standby, '-');
		$client->{run}->finish;
		return 0;
	}, 'the standby has written and not flushed');
$cluster->pass_time(3);
$client->{run}->pump_nb;
is($client->{out}, '', 'S31: what a standby has only written is not acknowledged');
is($cluster->sql($leader, "SELECT count(*) FROM t WHERE i = $row"), '0', 'S31: nor seen');
set_disk($standby, '-');
$client->{run}->finish;
is($client->{out}, "$row\n", 'S31: it is, as soon as it is flushed');

# ---- S7 ----
my $postmaster = $cluster->postmaster($leader);
set_disk($leader, 'w');
$client = $cluster->client($leader, 'INSERT INTO t VALUES (2) RETURNING i');
is($cluster->until_writable(20, $standby), $standby, 'S7: the disk of the leader hangs: another one takes writes');
like($cluster->sql($standby, "SELECT string_agg(message, ' ') FROM haops.events WHERE kind = 'server'"),
	qr/the write-ahead log can't be written/, 'S7: the events say why, on all nodes');
is($cluster->postmaster($leader), $postmaster, 'S7: the old leader still lives');
set_disk($leader, '-');
$cluster->until_streaming($leader, $standby);
$client->{run}->finish;
is($client->{out}, '', 'S7: what it could not write was not acknowledged');
$cluster->sql($standby, 'INSERT INTO t VALUES (3)');
is($cluster->sql($leader, 'SELECT pg_is_in_recovery()'), 't', 'S7: with a disk that works it is a standby');
$cluster->until_true(sub { $cluster->sql($leader, "SELECT count(*) FROM t WHERE i IN ($row, 3)") eq '2' }, 'the rows');

# ---- S7 without another that could lead: the term is given back once, and again when there is one ----
{
	my $trouble = q{SELECT count(*) FROM haops.events WHERE kind = 'server' AND message LIKE '%can''t be written%'};
	my $before = $cluster->sql($standby, $trouble);
	my $events = q{SELECT count(*) FROM haops.events};

	$cluster->sql($standby, 'SELECT haops.set_sync(0, 0)');	# or nobody could lead without it
	$cluster->stop($leader);
	$cluster->pass_time(2);
	set_disk($standby, 'w');
	$client = $cluster->client($standby, 'INSERT INTO t VALUES (4) RETURNING i');
	$cluster->until_true(sub { $cluster->sql($standby, $trouble) > $before }, 'the leader finds its disk to hang');
	$cluster->pass_time(4);
	my $told = $cluster->sql($standby, $events);
	$cluster->pass_time(8);
	is($cluster->sql($standby, $events), $told, 'S7: what goes on without an end is told once')
	  or diag $cluster->sql($standby, 'SELECT member, kind, message FROM haops.events LIMIT 40');
	$cluster->start($leader);
	is($cluster->until_writable(30, $leader), $leader, 'S7: as soon as another could lead, it does');
	set_disk($standby, '-');
	$client->{run}->finish;
	$cluster->until_streaming($standby, $leader);
}

undef $cluster;
done_testing();
