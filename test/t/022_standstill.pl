# S3 (E13), S4, S34: three nodes. The primary's postmaster is stopped while its ha worker is well: the leadership is
# given back. The ha worker alone is ended. A standby is promoted by hand: it is undone by itself.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(
	nodes => 3,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms\npg_haops.stall_limit = 1s");

sub others { my ($name) = @_; return grep { $_ ne $name } $cluster->names }

sub ha_worker
{
	my ($name) = @_;
	my $postmaster = $cluster->postmaster($name) || return 0;
	my ($line) = grep { /pg_haops ha / } `ps -o pid=,args= --ppid $postmaster`;

	return ($line // '') =~ /(\d+)/ ? $1 : 0;
}

my $first = $cluster->until_writable;
$cluster->sql($first, 'CREATE EXTENSION pg_haops');
$cluster->sql($first, 'CREATE TABLE t (i int)');
$cluster->until_streaming($_, $first) for others($first);

# S3
my $postmaster = $cluster->postmaster($first);
kill 'STOP', $postmaster;
my $next = $cluster->until_writable(20, others($first));
isnt($next, $first, 'S3: the postmaster is stopped: another node takes writes');
like($cluster->sql($next, "SELECT string_agg(message, ' ') FROM haops.events WHERE kind = 'server'"),
	qr/the postmaster is stopped/, 'S3: the events say why, on all nodes');
kill 'CONT', $postmaster;
$cluster->until_streaming($first, $next);
is($cluster->sql($first, 'SELECT pg_is_in_recovery()'), 't', 'S3: it comes back as a standby');
is($cluster->postmaster($first), $postmaster, 'in the same process');

# S34: every session of the promoted standby is fenced, and the promotion is undone.
my ($rogue) = grep { $_ ne $first } others($next);
my $term = $cluster->sql($next, 'SELECT term FROM haops.fence');
my $stream = "SELECT backend_start FROM pg_stat_replication WHERE application_name = '$rogue' AND state = 'streaming'";
my $written = 0;

$cluster->until_streaming($rogue, $next);
my $before = $cluster->sql($next, $stream);
$cluster->sql_or_error($rogue, 'SELECT pg_promote(false)');
$cluster->until_true(
	sub {
		$written++ if defined $cluster->sql_or_error($rogue, 'INSERT INTO t VALUES (666)');
		my $now = $cluster->sql($next, $stream);
		return $now ne '' && $now ne $before && defined $cluster->sql_or_error($rogue, 'SELECT 1');
	}, 'the promotion is undone');
is($written, 0, 'S34: a standby promoted by hand acknowledges no write');
is($cluster->sql($rogue, 'SELECT pg_is_in_recovery()'), 't', 'S34: and is a standby again by itself');
is($cluster->sql($next, 'SELECT term FROM haops.fence'), $term, 'S34: the leader went on');

# S4: without its ha worker the leader's lease runs out or is given back; whoever leads then, one does.
my $worker = ha_worker($next);
kill 'TERM', $worker;
$cluster->until_true(sub { my $new = ha_worker($next); $new && $new != $worker }, 'the ha worker is started again');
my $leader = $cluster->until_writable;
$cluster->sql($leader, 'INSERT INTO t VALUES (1)');
$cluster->until_streaming($_, $leader) for others($leader);
pass('S4: after the end of the ha worker alone all are in their places');
$cluster->until_true(sub { $cluster->sql($_, 'SELECT count(*) FROM t') eq '1' }, "$_ has the row") for $cluster->names;
is($cluster->sql($leader, 'SELECT count(*) FROM t WHERE i = 666'), '0', 'and nothing that was not acknowledged');

undef $cluster;
done_testing();
