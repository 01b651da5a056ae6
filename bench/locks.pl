#
# The measurement behind bench/locks, which sets its environment up; see there.
#
use strict;
use warnings;
use Getopt::Long;
use HaOps;
use JSON::PP;

use constant LIMIT_MS => 20;

my %option = (waiters => 1000, rounds => 21);
GetOptions(\%option, 'waiters=i', 'rounds=i', 'json') or exit 2;
die "usage: see bench/locks\n" if @ARGV || grep { !/^[1-9]\d*$/ } @option{qw(waiters rounds)};
my $connections = $option{waiters} + 20;
my $server = HaOps->plain(options => "max_connections = $connections\nfsync = off\nautovacuum = off\n" .
	"deadlock_timeout = 1h\nshared_preload_libraries = 'pg_haops'\npg_haops.monitor = off");

my %query = (
	lock_waits => 'SELECT count(w) FROM (SELECT * FROM haops.lock_waits OFFSET 0) AS w',
	blockers => 'SELECT count(b) FROM (SELECT * FROM haops.blockers OFFSET 0) AS b',
	lock_tree => 'SELECT count(t) FROM (SELECT * FROM haops.lock_tree OFFSET 0) AS t',
	pg_blocking_pids => "SELECT sum(cardinality(pg_blocking_pids(pid))) FROM pg_stat_activity
		WHERE wait_event_type = 'Lock'",
);

$server->sql('n1', 'CREATE EXTENSION pg_haops; CREATE TABLE t (i int)');
my $holder = $server->session('n1');
$holder->do('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
open(my $script, '>', $server->dir . '/read.sql') or die "locks: $!\n";
print $script "SELECT count(*) FROM t;\n";
close($script);
$server->spawn('pgbench', 'pgbench', '-n', '-h', $server->dir, '-p', $server->node('n1')->{port},
	'-c', $option{waiters}, '-j', 2, '-t', 1, '-f', $server->dir . '/read.sql', 'postgres');
$server->until_true(
	sub { $server->sql('n1', 'SELECT count(*) FROM pg_locks WHERE NOT granted') == $option{waiters} }, 'all wait');

# Milliseconds by the server's own clock, in one session.
my $session = $server->session('n1');
my %taken;
for my $round (0 .. $option{rounds})
{
	for my $name (sort keys %query)
	{
		my ($ms) = $session->do("SELECT clock_timestamp() AS began \\gset\n$query{$name};\n" .
			"SELECT extract(epoch FROM clock_timestamp() - :'began') * 1000") =~ /([\d.]+)\z/;
		push @{ $taken{$name} }, $ms if $round > 0;
	}
}
$holder->do('COMMIT');

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ $#sorted / 2 ] }

my %summary = (waiters => $option{waiters}, rounds => $option{rounds},
	map { ("${_}_ms" => sprintf('%.2f', median(@{ $taken{$_} })) + 0) } keys %query);
print $option{json} ? JSON::PP->new->canonical->encode(\%summary) . "\n"
  : map { sprintf("%-20s %8.2f\n", $_, $summary{$_}) } sort keys %summary;
exit($summary{lock_waits_ms} <= LIMIT_MS ? 0 : 1);
