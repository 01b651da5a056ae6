#
# What test/soak/alerts does, which sets its environment up; see there.
#
use strict;
use warnings;
use Getopt::Long;
use HaAlerts;
use JSON::PP;
use Time::HiRes qw(time);

use constant LASTS_S => 8;		# an alert, after it was written
use constant STEP_S => 0.5;		# between two writes
use constant QUIET_S => 300;	# for what still waits at the end

my %option = (minutes => 20, episodes => 10000, kills => 100, crashes => 10, switchovers => 5, fail => 30);
GetOptions(\%option, map({ "$_=i" } keys %option), 'json') or exit 2;
die "usage: see test/soak/alerts\n" if @ARGV;

use constant DEADLINE_S => 600;	# after the time that was asked for

my %vendor = (ops => 'feishu', team => 'dingtalk', web => 'webhook');
my $story = HaAlerts->new(nodes => 3, sync => 1, channels => \%vendor,
	options => "max_wal_senders = 20\nrestart_after_crash = on\n");
my ($cluster, $receiver) = ($story->cluster, $story->receiver);
my (%done, %count);

$cluster->until_streaming($_, 'n1') for qw(n2 n3);
$story->rule('soak', repeat_every => '0');
# DingTalk's and Feishu's limits in compressed time are those of real time.
$receiver->control({ channel => '*', what => 'answer', status => 503, body => '', percent => $option{fail} / 2 },
	{ channel => '*', what => 'drop_after', percent => $option{fail} / 2 });

# Writes the alerts that begin now, and takes back those that have lasted; true when that was acknowledged.
sub write_step
{
	my ($begin, $end) = @_;
	my $statement = 'BEGIN;';

	$statement .= 'INSERT INTO trouble VALUES ' . join(', ', map { "('soak', 'e$_', 95)" } @$begin)
		. ' ON CONFLICT (rule, thing) DO NOTHING;' if @$begin;
	$statement .= "DELETE FROM trouble WHERE rule = 'soak' AND thing IN (" . join(', ', map { "'e$_'" } @$end) . ');'
		if @$end;
	my $leader = eval { $cluster->leader } || return 0;
	return defined $cluster->sql_or_error($leader, "$statement COMMIT");
}

sub worker_of
{
	my ($leader, $name) = @_;
	my ($pid) = grep { `ps -o args= -p $_` =~ /pg_haops $name/ } $cluster->pids($leader);
	return $pid;
}

# One thing that goes wrong.
sub disturb
{
	my ($what) = @_;
	my $leader = eval { $cluster->leader } || return 0;

	if ($what eq 'kills')
	{
		my $pid = worker_of($leader, $done{kills} % 2 ? 'alerts' : 'sender') // return 0;
		kill 'KILL', $pid;
	}
	elsif ($what eq 'crashes')
	{
		$cluster->kill_postmaster($leader);
		$cluster->until_writable(60, $cluster->others($leader));
		$cluster->start($leader);
	}
	else
	{
		my ($to) = grep { $cluster->sql($leader, "SELECT count(*) FROM pg_stat_replication WHERE application_name = '$_'
			AND state = 'streaming'") } $cluster->others($leader);
		return 0 if !$to || !defined $cluster->sql_or_error($leader, "SELECT haops.switchover('$to')");
	}
	return 1;
}

# When each disturbance is due, spread over the time.
my $total_s = $option{minutes} * 60;
my @plan = sort { $a->[0] <=> $b->[0] } map
{
	my $what = $_;
	map { [ ($_ - 0.5) * $total_s / $option{$what}, $what ] } 1 .. $option{$what};
} qw(kills crashes switchovers);
%done = (kills => 0, crashes => 0, switchovers => 0);

my ($began, $next, @lasting) = (time, 1);
while (time - $began < $total_s + DEADLINE_S
	&& (time - $began < $total_s || $next <= $option{episodes} || @lasting))
{
	my $elapsed = time - $began;
	my $want = $elapsed >= $total_s ? $option{episodes} : int($option{episodes} * $elapsed / $total_s);
	my @begin = $next .. ($want < $next + 99 ? $want : $next + 99);
	my @end = map { $_->[0] } grep { $_->[1] < time - LASTS_S } @lasting;

	if ((@begin || @end) && write_step(\@begin, \@end))
	{
		my %ended = map { $_ => 1 } @end;
		@lasting = grep { !$ended{ $_->[0] } } @lasting;
		push @lasting, map { [ $_, time ] } @begin;
		$next = $begin[-1] + 1 if @begin;
	}
	if (@plan && $plan[0][0] <= $elapsed)
	{
		my $what = $plan[0][1];
		if (eval { disturb($what) }) { $done{$what}++; shift @plan }
		elsif ($elapsed > $plan[0][0] + 30) { shift @plan }
	}
	select(undef, undef, undef, STEP_S);
}

# ---- Quiet, until nothing waits ----

$receiver->control({ clear => '*' });
$story->until_sql("SELECT count(*) = 0 FROM haops.alerts WHERE rule = 'soak'", 'all has ended', QUIET_S);
$story->until_sql("SELECT count(*) = 0 FROM haops.alert_delivery WHERE state NOT IN ('sent', 'merged')",
	'nothing waits', QUIET_S);

# ---- The count ----

my @fired = split /\n/, $story->sql("SELECT episode, labels ->> 'thing' FROM haops.alert_episode
	WHERE rule = 'soak' AND fired_at IS NOT NULL");
my %lost;
for my $name (sort keys %vendor)
{
	my (%told, %thing, %counted);
	my $in_numbers = 0;

	for my $record ($receiver->taken("$vendor{$name}:$name"))
	{
		$told{ (split /-/, $_)[0] } = 1 for @{ $record->{ids} };
		$thing{$_} = 1 for ($record->{text} // '') =~ /\b(e\d+) is at/g;
		$in_numbers += $1 - @{ $record->{ids} } if ($record->{title} // '') =~ /: (\d+) alerts:/;
	}
	# What waited together with more than a thousand others stands in a message as a number.
	for my $line (split /\n/, $story->sql("SELECT d.episode, e.labels ->> 'thing' FROM haops.alert_delivery d
		JOIN haops.alert_episode e USING (episode) WHERE d.channel = '$name' AND d.state = 'merged'
			AND d.answer LIKE '%told of by their number only'"))
	{
		my ($episode, $thing) = split /\|/, $line;
		next if $told{$episode};
		$told{$episode} = $thing{$thing} = $counted{$episode} = 1;
	}
	$count{"by_number_$name"} = keys %counted;
	$lost{$name} = (grep { !$told{ (split /\|/)[0] } } @fired) + (keys(%counted) > $in_numbers ? keys %counted : 0);
	$lost{"never_fired_$name"} = grep { !$thing{"e$_"} } 1 .. $next - 1;
}
my $counts = $receiver->counts->{all};
my %figure = (
	episodes => scalar @fired, written => $next - 1, %done, %count,
	(map { ("lost_$_" => $lost{$_}) } keys %lost),
	requests => $counts->{requests}, taken => $counts->{taken}, faults => $counts->{faults},
	duplicates => $counts->{duplicates},
	limit_exceeded => $counts->{limit_exceeded}, minutes => sprintf('%.1f', (time - $began) / 60));
if ($option{json}) { print JSON::PP->new->canonical->encode(\%figure), "\n" }
else { printf "%-20s %s\n", $_, $figure{$_} for sort keys %figure }
exit((grep { $_ > 0 } values %lost, $counts->{limit_exceeded}) ? 1 : 0);
