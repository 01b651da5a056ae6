#
# The measurement behind bench/alerts, which sets its environment up; see there.
#
use strict;
use warnings;
use Getopt::Long;
use HaAlerts;
use JSON::PP;
use Time::HiRes ();

use constant CARD_LIMIT_S => 2;
use constant CPU_LIMIT_PERCENT => 1;
use constant SETTLE_S => 4;		# who has just started does not vote for the length of the promise (R10)
use constant TICKS => 100;		# a second, of /proc/<pid>/stat

my %option = (runs => 20, tables => 0, seconds => 300);
GetOptions(\%option, 'runs=i', 'tables=i', 'seconds=i', 'json') or exit 2;
my $what = shift @ARGV // '';
die "usage: see bench/alerts\n"
	if $what !~ /^(?:card|rules)$/ || @ARGV || grep { !/^\d+$/ } @option{qw(runs tables seconds)};

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ $#sorted / 2 ] }

# ---- From the fault to the card ----

sub one_run
{
	my ($story) = @_;
	my $cluster = $story->cluster;
	my $leader = $cluster->leader;
	my $before = () = $story->receiver->taken('feishu', qr/failover: n\d leads now/);
	my $killed = Time::HiRes::time();

	$cluster->kill_postmaster($leader);
	my $card = ($story->until_taken('feishu', qr/failover: n\d leads now/, $before + 1))[-1];
	my $next = $cluster->until_writable(60, $cluster->others($leader));
	$cluster->start($leader);
	$cluster->until_streaming($leader, $next);
	$cluster->until_true(sub { $cluster->sql($next, 'SELECT ready FROM haops.readiness') eq 't' }, 'all is well', 120);
	select(undef, undef, undef, SETTLE_S);
	return $card->{wall_s} - $killed;
}

sub measure_cards
{
	my $story = HaAlerts->new(nodes => 3, channels => { ops => 'feishu' },
		options => "pg_haops.promise = 3s\npg_haops.beat = 500ms\n");
	my @seconds;

	$story->cluster->until_streaming($_, 'n1') for qw(n2 n3);
	select(undef, undef, undef, SETTLE_S);
	for my $run (1 .. $option{runs})
	{
		push @seconds, one_run($story);
		printf STDERR "run %d: %.3f s\n", $run, $seconds[-1];
	}
	my $counts = $story->receiver->counts->{all};
	return (runs => scalar @seconds, card_s_median => sprintf('%.3f', median(@seconds)),
		card_s_max => sprintf('%.3f', (sort { $a <=> $b } @seconds)[-1]), limit_exceeded => $counts->{limit_exceeded},
		duplicates => $counts->{duplicates});
}

# ---- What the rules cost ----

# Processor time of a process so far, in seconds.
sub cpu_s
{
	my ($pid) = @_;

	open(my $stat, '<', "/proc/$pid/stat") or die "$pid: $!\n";
	my ($after) = <$stat> =~ /\) (.*)/;
	my @field = split / /, $after;
	return ($field[11] + $field[12]) / TICKS;
}

sub measure_rules
{
	my $story = HaAlerts->new(channels => { ops => 'feishu' }, default_rules => 1,
		options => "max_locks_per_transaction = 1024\n");
	my $cluster = $story->cluster;

	for (my $first = 0; $first < $option{tables}; $first += 1000)
	{
		$cluster->sql('n1', "DO \$\$ BEGIN FOR i IN $first .. least($first + 999, $option{tables} - 1) LOOP
			EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, a int, b text)', i);
			EXECUTE format('CREATE INDEX ON t%s (a); CREATE INDEX ON t%s (b, a)', i, i); END LOOP; END \$\$");
	}
	$cluster->sql('n1', 'ANALYZE') if $option{tables} > 0;
	$story->until_sql('SELECT count(DISTINCT rule) = (SELECT count(*) FROM haops.alert_rule WHERE enabled)
		FROM haops.alert_evaluation', 'each rule was evaluated', 300);
	my $pid = $cluster->sql('n1', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_haops alerts'");
	my ($before, $began) = (cpu_s($pid), Time::HiRes::time());
	select(undef, undef, undef, $option{seconds});
	my $percent = (cpu_s($pid) - $before) / (Time::HiRes::time() - $began) * 100;
	return (tables => $option{tables},
		rules => $cluster->sql('n1', 'SELECT count(*) FROM haops.alert_rule WHERE enabled'),
		not_known => $cluster->sql('n1', 'SELECT count(*) FROM haops.alert_evaluation WHERE NOT known'),
		cpu_percent => sprintf('%.3f', $percent));
}

my %figure = $what eq 'card' ? measure_cards() : measure_rules();
if ($option{json}) { print JSON::PP->new->canonical->encode(\%figure), "\n" }
else { printf "%-16s %s\n", $_, $figure{$_} for sort keys %figure }
exit(($figure{card_s_median} // 0) > CARD_LIMIT_S || ($figure{cpu_percent} // 0) > CPU_LIMIT_PERCENT ? 1 : 0);
