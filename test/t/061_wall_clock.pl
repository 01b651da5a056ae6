# S39: the wall clocks of a leader and of a standby jump by hours, forward and back, while a client writes: no lease is
# lost nor made longer, no term begins; and a failover goes as ever.
use strict;
use warnings;
use Test::More;
use File::Basename ();
use HaOps;

use constant HOUR_S => 3600;

my $cluster = HaOps->new(nodes => 2, witnesses => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 300ms");
my $dir = $cluster->dir;
my ($status) = $cluster->run($ENV{CC} // 'cc', '-shared', '-fPIC', '-O2', '-o', "$dir/wall_clock.so",
	File::Basename::dirname(__FILE__) . '/wall_clock.c');
plan skip_all => 'no C compiler' if $status != 0;

sub set_clock
{
	my ($name, $hours) = @_;

	open(my $out, -e "$dir/$name.clock" ? '+<' : '>', "$dir/$name.clock") or die $!;
	binmode $out;
	syswrite $out, pack('q', $hours * HOUR_S);
	close $out;
	return;
}

sub restart_with_clock
{
	my ($name) = @_;

	set_clock($name, 0) unless -e "$dir/$name.clock";
	local $ENV{LD_PRELOAD} = "$dir/wall_clock.so";
	local $ENV{WALL_CLOCK} = "$dir/$name.clock";
	$cluster->stop($name) if $cluster->postmaster($name);
	$cluster->start($name);
	return;
}

# How far a server's wall clock is from ours, in whole hours.
sub hours_off
{
	my ($name) = @_;

	return sprintf('%.0f', ($cluster->sql($name, 'SELECT extract(epoch FROM clock_timestamp())') - time) / HOUR_S) + 0;
}

my $first = $cluster->until_writable;
my ($leader) = $cluster->others($first);
$cluster->sql($first, 'CREATE EXTENSION pg_haops');
$cluster->sql($first, 'CREATE TABLE t (i int)');
$cluster->until_streaming($leader, $first);
restart_with_clock($leader);
$cluster->until_streaming($leader, $first);
$cluster->run_ok('pg_haops', 'switchover', '--to', $leader, '--data', $cluster->data($first));
$cluster->until_streaming($first, $leader);
restart_with_clock($first);
$cluster->until_streaming($first, $leader);

# Each jump, and more than a promise of writes after it.
my $term = $cluster->status($leader)->{term};
my $refused = $cluster->sql($leader, 'SELECT refused FROM haops.fence');
my $from = { map { $_ => length $cluster->log_of($_) } $cluster->names };
for my $jump ([ $leader, 3 ], [ $leader, -3 ], [ $first, 3 ], [ $first, -3 ], [ $leader, 0 ], [ $first, 0 ])
{
	my ($name, $hours) = @$jump;
	my $end = Time::HiRes::time() + 1.2;

	set_clock($name, $hours);
	is(hours_off($name), $hours, "S39: $name is $hours hours off");
	$cluster->until_true(
		sub {
			$cluster->sql($leader, 'INSERT INTO t VALUES (1)');
			return Time::HiRes::time() > $end;
		}, 'rows are written');
}
is($cluster->status($leader)->{term}, $term, 'S39: still the same term');
is($cluster->sql($leader, 'SELECT refused FROM haops.fence'), $refused, 'S39: not one commit was refused');
unlike(substr($cluster->log_of($_), $from->{$_}), qr/the lease ran out|has not been heard|no leader is heard/,
	"S39: $_ has not missed the leader, nor its lease") for $cluster->names;

# A clock that goes back does not make the lease longer.
{
	my $worker = $cluster->ha_worker($leader);

	kill 'STOP', $worker;
	set_clock($leader, -3);
	my $began = Time::HiRes::time();
	$cluster->until_true(sub { $cluster->sql($leader, 'SELECT open FROM haops.fence') eq 'f' }, 'the lease is out');
	cmp_ok(Time::HiRes::time() - $began, '<', 5, 'S39: the lease ends when it must');
	kill 'CONT', $worker;
}

# A failover with clocks that are hours apart, one of them jumping meanwhile; and the old leader comes back.
my $old = $cluster->until_writable(20);
my ($new) = $cluster->others($old);
$cluster->until_streaming($new, $old);
set_clock($old, 5);
set_clock($new, -5);
$cluster->kill_postmaster($old);
my $began = Time::HiRes::time();
is($cluster->until_writable(20, $new), $new, 'S39: the other one takes over');
cmp_ok(Time::HiRes::time() - $began, '<', 10, 'S39: at once');
restart_with_clock($old);
$cluster->until_streaming($old, $new);
is($cluster->sql($new, 'SELECT count(*) FROM t') > 50 ? 1 : 0, 1, 'S39: with the rows');

undef $cluster;
done_testing();
