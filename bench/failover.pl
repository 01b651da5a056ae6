#
# The measurement behind bench/failover, which sets its environment up; see there and bench/README.md.
#
use strict;
use warnings;
use Bench qw(now say_error wait_for);
use Fcntl;
use Getopt::Long;
use IO::Handle;
use IPC::Open2;
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes ();

use constant FAILOVER_S => 60;	# how long a run waits for another node to acknowledge
use constant REJOIN_S => 120;	# and for the old primary to stream again
use constant ACKED_S => 3;		# the new primary acknowledges for so long before the fault is undone
use constant SETTLE_S => 3;		# healed for so long before the next run

my %option = (runs => 1, mode => 'async', topology => '3', port => 26300, 'interval-ms' => 5);
GetOptions(\%option, 'fault=s', 'runs=i', 'mode=s', 'topology=s', 'json', 'port=i', 'interval-ms=i') or exit 2;
my $fault = $option{fault} // '';
my %is = map { $_ => 1 } qw(kill freeze partition stop async sync 3 2w);
die "usage: see bench/failover\n"
	if $fault !~ /^(?:kill|freeze|partition|stop)$/ || $option{mode} !~ /^a?sync$/ ||
	$option{topology} !~ /^(?:3|2w)$/ || $option{runs} < 1 || @ARGV;

my $cluster = Bench->new(%option{qw(mode topology port)}, namespaces => $fault eq 'partition');
END { my $status = $?; $cluster->remove if $cluster; $? = $status }
$SIG{INT} = $SIG{TERM} = sub { exit 130 };

#
# What the prober tells
#

my ($prober_in, $prober_out, $buffer) = (undef, undef, '');
my (@acks, %state, %streams, %refused);	# acks: [seconds, client, node, seq]; state: primary, standby, down

sub start_prober
{
	my @nodes = map { "$_->{name}=" . $cluster->conninfo($_) } $cluster->nodes;
	open2($prober_out, $prober_in,
		$cluster->outside("$ENV{PLACE}/prober", '--interval-ms', $option{'interval-ms'}, @nodes));
	fcntl($prober_out, F_SETFL, O_NONBLOCK);
	return;
}

# Takes in what has come within $seconds, and looks after the servers meanwhile.
sub pump
{
	my ($seconds) = @_;
	my $until = now() + $seconds;

	do
	{
		my $ready = '';
		vec($ready, fileno($prober_out), 1) = 1;
		select($ready, undef, undef, 0.02);
		while (sysread($prober_out, my $part, 65536))
		{
			$buffer .= $part;
		}
		take_line($1) while $buffer =~ s/^(.*)\n//;
		$cluster->supervise;
	} while (now() < $until);
	return;
}

sub take_line
{
	my ($what, $us, @word) = split(' ', $_[0]);
	my $at = $us / 1e6;

	push @acks, [ $at, @word[0 .. 2] ] if $what eq 'ack';
	$refused{ $word[3] }++ if $what eq 'not';
	return if $what ne 'node';
	my ($node, $role, $standbys) = @word;
	my %now = map { $_ => 1 } grep { $_ ne '-' } split(',', $standbys);
	$state{$node} = $role;
	$streams{$node}{$_} //= $at for keys %now;
	delete @{ $streams{$node} }{ grep { !$now{$_} } keys %{ $streams{$node} } };
	return;
}

sub idle { return pump(0.01) }

# The one primary that acknowledged within the last half second and that all other nodes stream from; or undef.
sub healthy
{
	my @primaries = grep { $state{$_} eq 'primary' } keys %state;

	return if @primaries != 1 || grep { $_ eq 'down' } values %state;
	my ($primary) = @primaries;
	return if !@acks || $acks[-1][2] ne $primary || $acks[-1][0] < now() - 0.5;
	return if grep { $_->{name} ne $primary && !$streams{$primary}{ $_->{name} } } $cluster->nodes;
	return $primary;
}

sub await_health
{
	my $since;
	my $primary = '';

	return wait_for('a healthy cluster', REJOIN_S, sub {
		my $is = healthy() // '';
		$since = now() if $is eq '' || $is ne $primary;
		$primary = $is;
		return now() - $since > SETTLE_S ? $primary : undef;
	}, \&idle);
}

#
# One run
#

# As servers write it into their logs, when log_timezone is UTC.
sub wall_clock
{
	my $ms = int(Time::HiRes::time() * 1000);
	return strftime('%Y-%m-%d %H:%M:%S', gmtime(int($ms / 1000))) . sprintf('.%03d UTC', $ms % 1000);
}

sub inject
{
	my ($old) = @_;

	$cluster->kill_postmaster($old) if $fault eq 'kill';
	$cluster->start($old) if $fault eq 'kill';
	$cluster->freeze($old) if $fault eq 'freeze';
	$cluster->cut_off($old) if $fault eq 'partition';
	$cluster->begin_stop($old) if $fault eq 'stop';
	return;
}

sub undo
{
	my ($old) = @_;

	$cluster->thaw($old) if $fault eq 'freeze';
	$cluster->heal($old) if $fault eq 'partition';
	if ($fault eq 'stop')
	{
		wait_for("$old->{name} to stop", 60, sub { !$cluster->postmaster($old) }, \&idle);
	}
	my $at = now();
	$cluster->start($old) if $fault eq 'stop';
	return $at;
}

# The first acknowledgement after $since by another node than $old.
sub first_by_another
{
	my ($old, $since) = @_;

	for my $ack (@acks)
	{
		return $ack if $ack->[0] > $since && $ack->[2] ne $old;
	}
	return;
}

# Of the acknowledged rows: how many are not on the node.
sub count_lost
{
	my ($node) = @_;
	my %least;

	for my $ack (@acks)
	{
		$least{ $ack->[1] } = $ack->[3] if !defined $least{ $ack->[1] } || $ack->[3] < $least{ $ack->[1] };
	}
	my $where = join(' OR ', map { "client = '$_' AND seq >= $least{$_}" } sort keys %least);
	my $rows = $cluster->sql($node, "SELECT client || ' ' || seq FROM haops_bench WHERE $where");
	my %there = map { $_ => 1 } split(/\n/, $rows);
	return scalar grep { !$there{"$_->[1] $_->[3]"} } @acks;
}

sub run
{
	my ($number) = @_;
	my $old = $cluster->member(await_health());
	my %result = (run => $number, old => $old->{name}, failed_over => 0, rejoined => 0);

	@acks = ();
	pump(0.5);
	my $began = now();
	$result{fault_at} = wall_clock();
	inject($old);
	my $first = wait_for('another primary', FAILOVER_S, sub { first_by_another($old->{name}, $began) }, \&idle);
	$result{failed_over} = 1;
	$result{new} = $first->[2];
	$result{outage_s} = $first->[0] - $began;
	pump(ACKED_S) if $fault ne 'kill';
	my $undone = $fault eq 'kill' ? $began : undo($old);

	my $streaming = wait_for("$old->{name} to stream again", REJOIN_S, sub {
		my ($primary) = grep { $state{$_} eq 'primary' && $_ ne $old->{name} } keys %state;
		my $at = $primary && $streams{$primary}{ $old->{name} };
		return $at && $at > $undone ? $at : undef;
	}, \&idle);
	$result{rejoined} = 1;
	$result{rejoin_s} = $streaming - $undone;
	pump(1);

	my ($roamed) = grep { $_->[1] eq 'any' && $_->[0] >= $first->[0] && $_->[2] ne $old->{name} } @acks;
	$result{roaming_s} = $roamed->[0] - $began if $roamed;
	$result{acked} = @acks;
	$result{dual_acks} = grep { $_->[2] eq $old->{name} && $_->[0] > $first->[0] } @acks;
	$result{lost_acks} = count_lost($cluster->member($acks[-1][2]));
	return \%result;
}

#
# The whole
#

sub spread
{
	my @sorted = sort { $a <=> $b } grep { defined } @_;
	my $n = @sorted or return {};
	my $median = $n % 2 ? $sorted[ $n / 2 ] : ($sorted[ $n / 2 - 1 ] + $sorted[ $n / 2 ]) / 2;
	my $p95 = $sorted[ int($n * 0.95 + 0.9999999) - 1 ];
	my %spread = (min => $sorted[0], median => $median, p95 => $p95, max => $sorted[-1]);
	return { map { $_ => sprintf('%.3f', $spread{$_}) + 0 } keys %spread };
}

sub total
{
	my ($name, @results) = @_;
	my $sum = 0;
	$sum += $_->{$name} // 0 for @results;
	return $sum;
}

$cluster->build;
$cluster->take_over;
my $leader = wait_for('a leader', 30, sub { $cluster->leader });
$cluster->sql($leader, 'CREATE TABLE haops_bench (client text, seq bigint, PRIMARY KEY (client, seq))');
start_prober();
my @results;
for my $number (1 .. $option{runs})
{
	my $result = eval { run($number) };
	if (!$result)
	{
		say_error("run $number: $@");
		last;
	}
	push @results, $result;
	say_error(sprintf(
		'run %d: %s: %s -> %s, outage %.3f s (roaming client %.3f s), back after %.3f s, %d acknowledged, %d dual, ' .
		'%d lost', @$result{qw(run fault_at old new outage_s)}, $result->{roaming_s} // -1,
		@$result{qw(rejoin_s acked dual_acks lost_acks)}));
}
close($prober_in);

my %summary = (fault => $fault, mode => $option{mode}, topology => $option{topology}, runs => $option{runs},
	(map { $_ => total($_, @results) } qw(failed_over rejoined dual_acks lost_acks acked)),
	map { my $what = $_; $_ => spread(map { $_->{$what} } @results) } qw(outage_s rejoin_s roaming_s));
if ($option{json})
{
	print JSON::PP->new->canonical->encode(\%summary), "\n";
}
else
{
	printf("%s, %s, %s: %d of %d failed over, %d rejoined, outage min %.3f median %.3f p95 %.3f max %.3f s\n",
		@summary{qw(fault mode topology failed_over runs rejoined)},
		map { $_ // -1 } @{ $summary{outage_s} }{qw(min median p95 max)});
	printf("%d rows acknowledged, %d dual, %d lost\n", @summary{qw(acked dual_acks lost_acks)});
}
my $good = $summary{failed_over} == $option{runs} && $summary{rejoined} == $option{runs} && $summary{dual_acks} == 0 &&
	($option{mode} eq 'async' || $summary{lost_acks} == 0);
exit($good ? 0 : 1);
