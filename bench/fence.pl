#
# The measurement behind bench/fence, which sets its environment up; see there.
#
use strict;
use warnings;
use Bench qw(now say_error wait_for run_ok);
use Getopt::Long;
use JSON::PP;
use POSIX ();

use constant RATIO_LEAST => 0.99;
use constant CHECK_ROUNDS => 1_000_000;

my %option = (pairs => 10, seconds => 10, clients => '1,8,32', scripts => 'tpcb,insert', scale => 10, port => 26340);
GetOptions(\%option, 'pairs=i', 'seconds=i', 'clients=s', 'scripts=s', 'scale=i', 'port=i', 'json') or exit 2;
my @clients = split(/,/, $option{clients});
my @scripts = split(/,/, $option{scripts});
die "usage: see bench/fence\n"
	if @ARGV || grep({ !/^[1-9]\d*$/ } @clients, @option{qw(pairs seconds scale)}) ||
	grep { !/^(?:tpcb|insert|select)$/ } @scripts;

my $work = "$ENV{PLACE}/work";
my $cluster = Bench->new(mode => 'async', topology => '3', port => $option{port});
my $with = $cluster->member('n1');
my $without = { name => 'plain', dir => "$work/plain", log => "$work/plain.log", host => '127.0.0.1',
	sql_port => $option{port} };
END
{
	my $status = $?;
	if ($cluster)
	{
		kill('KILL', $cluster->processes($without));
		$cluster->remove;
	}
	$? = $status;
}
$SIG{INT} = $SIG{TERM} = sub { exit 130 };

#
# The two servers
#

sub pg_ctl
{
	my ($server, @arguments) = @_;
	run_ok($server->{log}, $cluster->inside($server, "$ENV{BIN}/pg_ctl", '-D', $server->{dir}, '-w',
		'-l', "$work/$server->{name}-server.log", @arguments));
	return;
}

sub until_writable
{
	my ($server) = @_;
	my $table = 'DROP TABLE IF EXISTS haops_bench; CREATE TABLE haops_bench (id bigint)';

	wait_for("$server->{name} to take writes", 30, sub { eval { $cluster->sql($server, $table); 1 } });
	return;
}

# The plain server is a copy of the member, byte by byte, with a few settings taken back; then both write their tables
# anew, so that the kernel holds them alike. Autovacuum is off on both: an ANALYZE that happens to run beside pgbench
# lets its small tables grow, and every later run on that server pays for it.
sub build
{
	$cluster->program($with, 'create', '--cluster', 'bench', '--initdb', '--set', 'autovacuum=off',
		$cluster->place_of($with), '--start');
	$cluster->let_clients_in($with);
	until_writable($with);
	run_ok("$work/pgbench.log", pgbench($with, '-q', '-i', '-s', $option{scale}));
	pg_ctl($with, 'stop');
	run_ok($without->{log}, 'cp', '-a', $with->{dir}, $without->{dir});
	unlink("$without->{dir}/standby.signal");
	open(my $conf, '>>', "$without->{dir}/postgresql.auto.conf") or die "fence: $!\n";
	print $conf "shared_preload_libraries = ''\nport = $without->{sql_port}\nprimary_conninfo = ''\n",
		"synchronous_standby_names = ''\n";
	close($conf);
	for my $server ($with, $without)
	{
		pg_ctl($server, 'start');
		until_writable($server);
		$cluster->sql($server, 'VACUUM FULL ANALYZE');
	}
	return;
}

sub pgbench
{
	my ($server, @arguments) = @_;
	return ("$ENV{BIN}/pgbench", '-n', '-h', $server->{host}, '-p', $server->{sql_port}, '-U', 'postgres', @arguments,
		'postgres');
}

#
# Measuring
#

my %script_of = (tpcb => [qw(-b tpcb-like)], select => [qw(-b select-only)], insert => [ '-f', "$work/insert.sql" ]);

# Seconds of processor time that the server's ended processes have taken: all sessions of a pgbench that is over.
sub cpu_s
{
	my ($server) = @_;
	my $pid = $cluster->postmaster($server);

	open(my $stat, '<', "/proc/$pid/stat") or die "fence: $!\n";
	my @field = split(' ', <$stat> =~ s/^.*\) //r);
	close($stat);
	return ($field[13] + $field[14]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Both servers and the kernel as they were before the pair of before, so that neither run pays for what was left to do.
sub settle
{
	for my $server ($with, $without)
	{
		$cluster->sql($server, $_) for 'TRUNCATE haops_bench, pgbench_history', 'VACUUM FULL pgbench_branches',
			'VACUUM FULL pgbench_tellers', 'VACUUM pgbench_accounts', 'CHECKPOINT';
	}
	run_ok("$work/sync.log", 'sync');
	return;
}

# Transactions per second, and microseconds of processor time for each.
sub measure
{
	my ($server, $script, $clients) = @_;
	my $threads = $clients > 2 ? 2 : $clients;
	my @command = pgbench($server, @{ $script_of{$script} }, '-c', $clients, '-j', $threads, '-T', $option{seconds});
	my $before_s = cpu_s($server);
	open(my $handle, '-|', @command) or die "fence: pgbench: $!\n";
	my $said = join('', <$handle>);
	close($handle) or die "fence: pgbench failed\n";
	my ($tps) = $said =~ /^tps = ([\d.]+)/m or die "fence: pgbench said no tps\n";
	my ($count) = $said =~ /actually processed: (\d+)/ or die "fence: pgbench counted no transactions\n";
	$cluster->sql($server, 'SELECT 1');	# by now the sessions before it are reaped
	return ($tps, (cpu_s($server) - $before_s) * 1e6 / $count);
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $n = @sorted;
	return $n % 2 ? $sorted[ $n / 2 ] : ($sorted[ $n / 2 - 1 ] + $sorted[ $n / 2 ]) / 2;
}

# The ratios of all pairs of one script and number of clients: of the rates, and of the processor time.
sub pairs_of
{
	my ($script, $clients) = @_;
	my (@ratios, @cpu_ratios);

	settle();
	measure($_, $script, $clients) for $with, $without;		# what is done once only: hint bits, the files of the WAL
	for my $pair (1 .. $option{pairs})
	{
		my (%tps, %cpu_us);
		my @order = $pair % 2 ? ($with, $without) : ($without, $with);
		settle();
		($tps{ $_->{name} }, $cpu_us{ $_->{name} }) = measure($_, $script, $clients) for @order;
		push @ratios, $tps{n1} / $tps{plain};
		push @cpu_ratios, $cpu_us{n1} / $cpu_us{plain} if $cpu_us{plain} > 0;	# a session not reaped yet
		say_error(sprintf('%s, %d clients, pair %d: %.0f tps with, %.0f without: %.4f; cpu %.1f us with, %.1f without',
			$script, $clients, $pair, @tps{qw(n1 plain)}, $ratios[-1], @cpu_us{qw(n1 plain)}));
	}
	return (\@ratios, \@cpu_ratios);
}

sub check_ns
{
	my $module = "$ENV{PLACE}/haops_bench";

	$cluster->sql($with, "CREATE FUNCTION haops_bench_check(int) RETURNS float8 AS '$module' LANGUAGE C");
	return median(map { $cluster->sql($with, 'SELECT haops_bench_check(' . CHECK_ROUNDS . ')') } 1 .. 5);
}

open(my $insert, '>', "$work/insert.sql") or die "fence: $!\n";
print $insert "INSERT INTO haops_bench VALUES (:client_id);\n";
close($insert);
build();
my $check_ns = check_ns();
my (@all, @all_cpu, %ratio, %cpu_ratio);
for my $script (@scripts)
{
	for my $clients (@clients)
	{
		my ($ratios, $cpu_ratios) = pairs_of($script, $clients);
		$ratio{"$script-$clients"} = sprintf('%.4f', median(@$ratios)) + 0;
		$cpu_ratio{"$script-$clients"} = sprintf('%.4f', median(@$cpu_ratios)) + 0;
		push @all, @$ratios;
		push @all_cpu, @$cpu_ratios;
	}
}
my %summary = (pairs => $option{pairs}, seconds => $option{seconds}, ratio_median => sprintf('%.4f', median(@all)) + 0,
	cpu_ratio_median => sprintf('%.4f', median(@all_cpu)) + 0, ratio => \%ratio, cpu_ratio => \%cpu_ratio,
	check_ns => sprintf('%.1f', $check_ns) + 0);
if ($option{json})
{
	print JSON::PP->new->canonical->encode(\%summary), "\n";
}
else
{
	printf("%-12s rate %.4f   processor time %.4f\n", $_, $ratio{$_}, $cpu_ratio{$_}) for sort keys %ratio;
	printf("all          rate %.4f   processor time %.4f   the checks of one commit: %.1f ns\n",
		@summary{qw(ratio_median cpu_ratio_median)}, $check_ns);
}
exit($summary{ratio_median} >= RATIO_LEAST ? 0 : 1);
