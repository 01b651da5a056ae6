#
# The measurement behind bench/fence, which sets its environment up; see there.
#
use strict;
use warnings;
use Bench qw(now say_error wait_for run_ok);
use Getopt::Long;
use JSON::PP;

use constant RATIO_LEAST => 0.99;
use constant CHECK_ROUNDS => 1_000_000;

my %option = (pairs => 10, seconds => 10, clients => '1,8,32', scripts => 'tpcb,insert', scale => 10, port => 56340);
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

sub build
{
	$cluster->program($with, 'create', '--cluster', 'bench', '--initdb', $cluster->place_of($with), '--start');
	$cluster->let_clients_in($with);
	wait_for('a leader', 30, sub { eval { $cluster->sql($with, 'CREATE TABLE haops_bench (id bigint)'); 1 } });
	run_ok($without->{log}, $cluster->inside($without, "$ENV{BIN}/initdb", qw(-k -U postgres -A trust -D),
		$without->{dir}));
	open(my $conf, '>>', "$without->{dir}/postgresql.conf") or die "fence: $!\n";
	print $conf map { "$_\n" } same_settings(), "port = $without->{sql_port}", "unix_socket_directories = ''";
	close($conf);
	run_ok($without->{log}, $cluster->inside($without, "$ENV{BIN}/pg_ctl", '-D', $without->{dir}, '-l',
		"$work/plain-server.log", '-w', 'start'));
	$cluster->sql($without, 'CREATE TABLE haops_bench (id bigint)');
	for my $server ($with, $without)
	{
		run_ok("$work/pgbench.log", pgbench($server, '-q', '-i', '-s', $option{scale}));
		$cluster->sql($server, 'CHECKPOINT');
	}
	return;
}

# All that the member's configuration says, but for the library and where things are.
sub same_settings
{
	return split(/\n/, $cluster->sql($with, <<'SQL'));
SELECT name || ' = ' || quote_literal(current_setting(name)) FROM pg_settings
WHERE source = 'configuration file' AND name NOT LIKE 'pg\_haops.%' AND name NOT LIKE '%\_file'
  AND name NOT LIKE 'primary\_%'
  AND name NOT IN ('shared_preload_libraries', 'port', 'listen_addresses', 'unix_socket_directories', 'cluster_name',
	'synchronous_standby_names', 'data_directory')
SQL
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

sub tps
{
	my ($server, $script, $clients) = @_;
	my $threads = $clients > 2 ? 2 : $clients;
	my @command = pgbench($server, @{ $script_of{$script} }, '-c', $clients, '-j', $threads, '-T', $option{seconds});

	$cluster->sql($server, 'TRUNCATE haops_bench') if $script eq 'insert';
	open(my $handle, '-|', @command) or die "fence: pgbench: $!\n";
	my ($tps) = map { /^tps = ([\d.]+)/ ? $1 : () } <$handle>;
	close($handle) or die "fence: pgbench failed\n";
	return $tps // die "fence: pgbench said no tps\n";
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $n = @sorted;
	return $n % 2 ? $sorted[ $n / 2 ] : ($sorted[ $n / 2 - 1 ] + $sorted[ $n / 2 ]) / 2;
}

# The ratios of all pairs of one script and number of clients.
sub pairs_of
{
	my ($script, $clients) = @_;
	my @ratios;

	for my $pair (1 .. $option{pairs})
	{
		my %tps;
		my @order = $pair % 2 ? ($with, $without) : ($without, $with);
		$tps{ $_->{name} } = tps($_, $script, $clients) for @order;
		push @ratios, $tps{n1} / $tps{plain};
		say_error(sprintf('%s, %d clients, pair %d: %.0f with, %.0f without: %.4f', $script, $clients, $pair,
			@tps{qw(n1 plain)}, $ratios[-1]));
	}
	return @ratios;
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
my (@all, %ratio);
for my $script (@scripts)
{
	for my $clients (@clients)
	{
		my @ratios = pairs_of($script, $clients);
		$ratio{"$script-$clients"} = sprintf('%.4f', median(@ratios)) + 0;
		push @all, @ratios;
	}
}
my %summary = (pairs => $option{pairs}, seconds => $option{seconds}, ratio_median => sprintf('%.4f', median(@all)) + 0,
	ratio => \%ratio, check_ns => sprintf('%.1f', $check_ns) + 0);
if ($option{json})
{
	print JSON::PP->new->canonical->encode(\%summary), "\n";
}
else
{
	printf("%-12s %.4f\n", $_, $ratio{$_}) for sort keys %ratio;
	printf("all          %.4f   the checks of one commit: %.1f ns\n", $summary{ratio_median}, $check_ns);
}
exit($summary{ratio_median} >= RATIO_LEAST ? 0 : 1);
