# S36, S45, S35: three nodes and two witnesses. A standby that holds more than the new leader is rewound, and so is the
# old leader, neither before the new one has completed its first checkpoint (pg_rewind sees no difference until then);
# and a node that made a timeline of the same number by itself is told from the cluster's, and needs a clone.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 3, witnesses => 2,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms");

sub child
{
	my ($name, $what) = @_;
	my $postmaster = $cluster->postmaster($name);
	my ($line) = grep { /: $what\b/ } `ps -o pid=,args= --ppid $postmaster`;

	return ($line // '') =~ /(\d+)/ ? $1 : 0;
}

# The process in which `from` sends to `to`.
sub sender
{
	my ($from, $to) = @_;

	return $cluster->sql($from, "SELECT pid FROM pg_stat_replication WHERE application_name = '$to'");
}

sub rows
{
	my ($name) = @_;
	return $cluster->sql_or_error($name, "SELECT string_agg(i::text, ' ' ORDER BY i) FROM t") // '';
}

# ---- S36, S45 ----

my $old = $cluster->until_writable;
my ($new, $ahead) = $cluster->others($old);
$cluster->sql($old, 'CREATE EXTENSION pg_haops');
$cluster->sql($old, 'CREATE TABLE t (i int)');
$cluster->sql($old, 'INSERT INTO t VALUES (1)');
$cluster->until_true(sub { rows($_) eq '1' }, "$_ has the row") for $new, $ahead;

# One standby gets nothing more, the other one does; then all are gone but the one that holds least.
my $silent = sender($old, $new);
kill 'STOP', $silent;
$cluster->sql($old, 'INSERT INTO t VALUES (2)');
$cluster->until_true(sub { rows($ahead) eq '1 2' }, "$ahead is ahead");
my $checkpointer = child($new, 'checkpointer') or die 'no checkpointer';
kill 'STOP', $checkpointer;
$cluster->kill_postmaster($ahead);
kill 'KILL', $silent;
$cluster->kill_postmaster($old);
is($cluster->until_writable(20, $new), $new, 'the one that holds least leads, for the others are gone');
$cluster->sql($new, 'INSERT INTO t VALUES (3)');

my $from = { map { $_ => length $cluster->log_of($_) } $cluster->names };
$cluster->start($_) for $old, $ahead;
$cluster->pass_time(3);
unlike(substr($cluster->log_of($_), $from->{$_}), qr/rewinding|follows the leader|started streaming/,
	"S45: $_ waits for the first checkpoint") for $old, $ahead;
is(rows($ahead), '1 2', 'S36: the standby still has what the leader has not');
kill 'CONT', $checkpointer;
$cluster->until_streaming($_, $new) for $old, $ahead;
for my $name ($old, $ahead)
{
	$cluster->until_true(sub { rows($name) eq '1 3' }, "$name has the leader's rows");
	like(substr($cluster->log_of($name), $from->{$name}), qr/pg_haops rejoin: rewound/,
		"S36, S45: then $name is rewound");
}

# ---- S35 ----

# The leader dies; while another one leads, it is promoted by itself, without the library: to the same timeline.
$old = $new;
my $data = $cluster->data($old);
$cluster->kill_postmaster($old);
$new = $cluster->until_writable(20, $cluster->others($old));
$cluster->sql($new, 'INSERT INTO t VALUES (4)');
open(my $signal, '>', "$data/standby.signal") or die $!;
close $signal;
$cluster->run_ok('pg_ctl', '-D', $data, '-l', $cluster->dir . '/alone.log', '-w', '-o',
	"-c shared_preload_libraries= -c primary_conninfo= -c primary_slot_name=", 'start');
$cluster->run_ok('pg_ctl', '-D', $data, '-w', 'promote');
$cluster->sql($old, 'INSERT INTO t VALUES (5)');
my $timeline = 'SELECT timeline_id FROM pg_control_checkpoint()';
$cluster->sql($_, 'CHECKPOINT') for $old, $new;
is($cluster->sql($old, $timeline), $cluster->sql($new, $timeline), 'S35: two nodes on one timeline number');
$cluster->stop($old);

$from = length $cluster->log_of($old);
$cluster->begin_start($old);
$cluster->until_logged($old, qr/must be cloned|needs a clone/, $from);
pass('S35: they are told from each other: it needs a clone');
$cluster->until_true(sub { -e $cluster->state_file($old, 'needs_clone') }, 'it says so in a file');
is($cluster->sql($new, "SELECT count(*) FROM pg_stat_replication WHERE application_name = '$old'"), '0',
	'S35: it does not stream from the leader');
$cluster->stop($old) if $cluster->postmaster($old);
my ($status, $out, $err) = $cluster->run('pg_haops', 'rejoin', '--clone', '--data', $data);
is($status, 0, 'S35: cloned by hand') or diag $err;
$cluster->start($old);
$cluster->until_streaming($old, $new);
$cluster->until_true(sub { rows($old) eq '1 3 4' }, 'it has the rows');
pass('S35: with the rows of the cluster, and none of its own');

undef $cluster;
done_testing();
