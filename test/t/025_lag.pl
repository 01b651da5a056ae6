# R40: asynchronous mode with a bound. Commits are acknowledged only while a standby that could take over lacks no more
# than pg_haops.async_lag_limit: so that is what a failover can lose, and no more.
use strict;
use warnings;
use Test::More;
use HaOps;

use constant LIMIT_KB => 256;

my $cluster = HaOps->new(
	nodes => 3,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 200ms\nwal_sender_timeout = 0\n"
	  . 'pg_haops.async_lag_limit = ' . LIMIT_KB);
my $leader = $cluster->until_writable;
my @standbys = grep { $_ ne $leader } $cluster->names;
my $insert = "INSERT INTO t SELECT coalesce(max(i), 0) + 1, repeat('x', 1000) FROM t";

sub freeze_receivers
{
	my $postmasters = join(',', map { $cluster->postmaster($_) } @standbys);
	my @pids = map { /(\d+)/ } grep { /walreceiver/ } `ps -o pid=,args= --ppid $postmasters`;

	kill 'STOP', @pids;
	return @pids;
}

$cluster->until_streaming($_, $leader) for @standbys;
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int, filler text)');

# ---- Refused beyond the bound, and only there ----

my @frozen = freeze_receivers();
my $acknowledged = 0;
$cluster->until_true(
	sub {
		return 1 if !defined $cluster->sql_or_error($leader, $insert);
		return !++$acknowledged;
	}, 'a commit is refused');
like($cluster->{error}, qr/no standby that could take over is near enough/, 'R40: beyond it commits are refused');
like($cluster->{error}, qr/more than pg_haops.async_lag_limit \(@{[LIMIT_KB]} kB\)/, 'R40: by which bound');
like($cluster->{error}, qr/hint:.*Nothing was committed/i, 'R40: nothing was committed');
cmp_ok($acknowledged, '>', 50, "R40: within it they are not ($acknowledged rows)");
cmp_ok($acknowledged, '<', 2 * LIMIT_KB, 'R40: the bound is about what was set');
is($cluster->sql($leader, 'SELECT count(*) FROM t'), $acknowledged, 'R40: reading goes on');

# ---- One transaction that is larger than the bound ----

my $big = "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)";
kill 'CONT', @frozen;
$cluster->until_true(sub { defined $cluster->sql_or_error($leader, $insert) }, 'commits are taken again');
$acknowledged++;
@frozen = freeze_receivers();
is($cluster->sql_or_error($leader, $big), undef, 'R40: a larger one is refused as long as no standby has its WAL');
like($cluster->{error}, qr/no standby that could take over is near enough/, 'R40: and is told so');
kill 'CONT', @frozen;
$cluster->until_true(sub { defined $cluster->sql_or_error($leader, $big) }, 'it is taken');
pass('R40: and taken when they stream');

# ---- What is lost by a failover ----

$cluster->until_true(sub { defined $cluster->sql_or_error($leader, $insert) }, 'commits are taken again');
$acknowledged++;
@frozen = freeze_receivers();
$acknowledged++ while defined $cluster->sql_or_error($leader, $insert);
my $written = $cluster->sql($leader, 'SELECT pg_current_wal_flush_lsn()');
kill 'KILL', $cluster->postmaster($leader);
kill 'CONT', @frozen;
my $new = $cluster->until_writable(30, @standbys);
my $lost = $acknowledged - $cluster->sql($new, 'SELECT count(*) FROM t');
cmp_ok($lost, '<=', LIMIT_KB, "R40: what was lost is within it ($lost rows of about 1 kB, written up to $written)");

undef $cluster;
done_testing();
