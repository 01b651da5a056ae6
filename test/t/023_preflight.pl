# R2, R4, R36, S14, S51: what a start does, and what it refuses. A server without the library; a member without its
# state, a copy of a member, an unfinished rewind, settings that don't go together; single-user mode; and a rejoin under
# a service manager that must be left to start the server again.
use strict;
use warnings;
use Test::More;
use HaOps;

my $cluster = HaOps->new(nodes => 2, witnesses => 1, options => "pg_haops.promise = 1s\npg_haops.beat = 100ms");
my $dir = $cluster->dir;
my $first = $cluster->until_writable;
my ($second) = grep { $_ ne $first } $cluster->names;

sub log_of
{
	my ($name) = @_;

	open(my $in, '<', "$dir/$name.log") or return '';
	local $/ = undef;
	return <$in> // '';
}

sub write_file
{
	my ($path, $text) = @_;

	open(my $out, '>', $path) or die "$path: $!";
	print $out $text;
	close $out;
	return;
}

# True when the server does not start.
sub start_fails
{
	my ($data, $log) = @_;
	my ($status) = $cluster->run('pg_ctl', '-D', $data, '-l', "$dir/$log.log", '-t', '20', '-w', 'start');

	return $status != 0;
}

$cluster->sql($first, 'CREATE EXTENSION pg_haops');

# A server that has the extension and not the library.
{
	my $port = HaOps::free_port();

	$cluster->run_ok('initdb', '-D', "$dir/plain", '-A', 'trust', '-N');
	write_file("$dir/plain/postgresql.auto.conf",
		"port = $port\nlisten_addresses = ''\nunix_socket_directories = '$dir'\n");
	$cluster->run_ok('pg_ctl', '-D', "$dir/plain", '-l', "$dir/plain.log", '-w', 'start');
	my @psql = ('psql', '-XAtq', '-h', $dir, '-p', $port, '-d', 'postgres', '-c');
	$cluster->run_ok(@psql, 'CREATE EXTENSION pg_haops');
	for my $query ('SELECT * FROM haops.cluster', 'SELECT * FROM haops.events', 'SELECT * FROM haops.fence',
		'SELECT haops.switchover()', 'SELECT haops.pause()')
	{
		my ($status, $out, $err) = $cluster->run(@psql, $query);

		like($err, qr/ERROR:  pg_haops is not loaded\nHINT:  Add "pg_haops" to shared_preload_libraries/,
			"not loaded: $query");
	}
	$cluster->run_ok(@psql, 'CREATE TABLE t (i int)');
	$cluster->run_ok('pg_ctl', '-D', "$dir/plain", '-m', 'immediate', '-w', 'stop');
}

# A rejoin under systemd with Type=notify: the postmaster leaves the wish, and the next start carries it out.
{
	local $ENV{NOTIFY_SOCKET} = "$dir/nobody-listens";

	$cluster->until_streaming($second, $first);
	$cluster->stop($second);
	$cluster->start($second);
	$cluster->until_streaming($second, $first);
	$cluster->sql_or_error($second, 'SELECT pg_promote(false)');
	$cluster->until_true(sub { !$cluster->postmaster($second) }, 'the server has ended');
	ok(-e "$dir/$second/pg_haops/pgsql_tmp/rejoin", 'under a service manager the wish to rejoin is left behind');
	ok(!-e "$dir/$second/postmaster.pid", 'and nothing that looks like a running server');
	# How far the promotion came decides whether a rewind is needed as well: then it ends once more.
	$cluster->until_true(
		sub {
			$cluster->start($second) unless $cluster->postmaster($second);
			return $cluster->sql($first, "SELECT count(*) FROM pg_stat_replication WHERE application_name = '$second'"
				  . " AND state = 'streaming'") eq '1';
		}, "$second streams again");
	ok(!-e "$dir/$second/pg_haops/pgsql_tmp/rejoin", 'the next start carries it out');
}

# A rejoin in place with a log collector: the old one ends, the new one is the only one.
{
	open(my $conf, '>>', "$dir/$second/postgresql.conf") or die $!;
	print $conf "logging_collector = on\n";
	close $conf;
	$cluster->stop($second);
	$cluster->start($second);
	$cluster->until_streaming($second, $first);

	my $postmaster = $cluster->postmaster($second);
	my $began = $cluster->sql($second, 'SELECT pg_postmaster_start_time()');
	my $since = 'SELECT pg_postmaster_start_time()';
	$cluster->sql_or_error($second, 'SELECT pg_promote(false)');
	$cluster->until_true(sub { ($cluster->sql_or_error($second, $since) // $began) ne $began }, 'it has started anew');
	is($cluster->postmaster($second), $postmaster, 'a rejoin in place keeps the process');
	$cluster->until_streaming($second, $first);
	$cluster->until_true(
		sub { 1 == grep { /logger/ } `ps -o args= --ppid $postmaster` }, 'there is one log collector');
	pass('with one log collector');
}

# A copy of a member takes no part, wherever it came from (R2).
$cluster->stop($second);
$cluster->run_ok('cp', '-a', "$dir/$second", "$dir/copy");
$cluster->start($second);
{
	my $port = HaOps::free_port();

	open(my $conf, '>>', "$dir/copy/postgresql.conf") or die $!;
	print $conf "port = $port\nlogging_collector = off\n";
	close $conf;
	$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-l', "$dir/copy.log", '-w', 'start');
	my @psql = ('psql', '-XAtq', '-h', $dir, '-p', $port, '-d', 'postgres', '-c');
	is($cluster->run_ok(@psql, 'SELECT pg_is_in_recovery()'), "t\n", 'R2: a copy starts as a standby');
	is($cluster->run_ok(@psql, 'SELECT open, leader FROM haops.fence'), "f|\n", 'R2: fenced, and takes no part');
	like(log_of('copy'), qr/takes no part and stays fenced/, 'R2: and says so');
	$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-m', 'immediate', '-w', 'stop');

	# Without any state (R4).
	unlink "$dir/copy/pg_haops/pgsql_tmp/state" or die $!;
	$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-l', "$dir/copy.log", '-w', 'start');
	is($cluster->run_ok(@psql, 'SELECT pg_is_in_recovery()'), "t\n", 'R4: a member without its state is a standby');
	is($cluster->run_ok(@psql, 'SELECT open FROM haops.fence'), "f\n", 'R4: and fenced');
	ok(!-e "$dir/copy/pg_haops/pgsql_tmp/state", 'R4: nothing is made anew silently');
	$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-m', 'immediate', '-w', 'stop');

	# Settings that don't go together.
	write_file("$dir/copy/postgresql.auto.conf", "pg_haops.promise = 1s\npg_haops.beat = 400ms\n");
	ok(start_fails("$dir/copy", 'bad'), 'a promise of less than three beats does not start');
	like(log_of('bad'), qr/must be at least three times pg_haops.beat/, 'and says why');
	write_file("$dir/copy/postgresql.auto.conf", "pg_haops.listen_address = 'localhost:1'\n");
	$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-l', "$dir/name.log", '-w', 'start');
	like(log_of('name'), qr/numeric address and a port/, 'a name instead of an address is not taken, and that is said');
	$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-m', 'immediate', '-w', 'stop');
	write_file("$dir/copy/postgresql.auto.conf", '');

	# An unfinished rewind that nobody can finish.
	write_file("$dir/copy/pg_haops/pgsql_tmp/rewinding", "nonsense\n");
	ok(start_fails("$dir/copy", 'marked'), 'S43: a directory with an unfinished rewind does not start as it is');
	my ($status, $out) = $cluster->run('postgres', '-D', "$dir/copy", '-C', 'shared_memory_size');
	is($status, 0, 'a setting can be shown all the same');
	like($out, qr/^\d+$/, 'and nothing else happens');
	unlink "$dir/copy/pg_haops/pgsql_tmp/rewinding";
}

# Single-user mode is the administrator's: no standby, no fence.
{
	my ($in, $out, $err) = ("CREATE TABLE single (i int)\n", '', '');

	unlink "$dir/copy/standby.signal";
	IPC::Run::run(['postgres', '--single', '-D', "$dir/copy", 'postgres'], '<', \$in, '>', \$out, '2>', \$err);
	is($?, 0, 'single-user mode works');
	unlike($err, qr/ERROR|FATAL/, 'and writes');
	ok(!-e "$dir/copy/standby.signal", 'and does not make the directory a standby');
}

# R36: a member that led comes back as a standby, after a kill too.
$cluster->until_streaming($second, $first);
$cluster->kill_postmaster($first);
$cluster->start($first);
my $leader = $cluster->until_writable;
$cluster->until_streaming($_, $leader) for grep { $_ ne $leader } $cluster->names;
pass('R36: whoever led is back in its place');

undef $cluster;
done_testing();
