# S24, S22, S41, S42, S10: two nodes and a witness. What a client of the fenced leader is told; no leader without a
# majority, neither after the witness and the primary are gone one after the other, nor when the old primary boots
# alone; and one as soon as a majority is back, with all that was acknowledged.
use strict;
use warnings;
use Test::More;
use HaOps;
use IO::Socket::UNIX;

use constant PROMISE_S => 1;

my $cluster = HaOps->new(nodes => 2, witnesses => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms\npg_haops.stall_limit = 1s");

sub role_of { return ($cluster->status($_[0]) // {})->{role} // '' }

# Everything that a promise, a candidacy or a silence after a start would need to make a leader of it: it must not.
sub stays_standby
{
	my ($name, $what) = @_;
	my $written = 0;
	my $led = 0;
	my $end = Time::HiRes::time() + 3 * PROMISE_S;

	$cluster->until_true(
		sub {
			$written++ if defined $cluster->sql_or_error($name, 'INSERT INTO t VALUES (666)');
			$led++ if role_of($name) eq 'leader';
			return Time::HiRes::time() > $end;
		}, 'three promises have passed');
	is($cluster->sql($name, 'SELECT pg_is_in_recovery()'), 't', "$what: it is a standby");
	is("$led $written", '0 0', "$what: it never leads, nor takes a write");
	return;
}

sub end_witness
{
	my ($how) = @_;
	my $pid = $cluster->{witnesses}{w1}{pid};

	kill $how, $pid;
	$cluster->until_true(sub { !$cluster->lives($pid) }, 'the witness is gone');
	return;
}

my $first = $cluster->until_writable;
my ($second) = $cluster->others($first);

$cluster->sql($first, 'CREATE EXTENSION pg_haops');
$cluster->sql($first, 'CREATE TABLE t (i int)');
$cluster->until_streaming($second, $first);

# A connection that does nothing but be there: a socket that has logged in.
sub idle_client
{
	my ($name) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $cluster->dir . '/.s.PGSQL.' . $cluster->node($name)->{port})
	  or die "socket: $!";
	my $words = pack('N(Z*)*', 196608, 'user', scalar getpwuid($>), 'database', 'postgres', '');

	syswrite $socket, pack('N', 4 + length $words) . $words;
	return $socket;
}

# S10: ordinary clients use up all connections, superuser ones included. The leader goes on in its term; and when it
# dies it is replaced, because nothing that decides needs a connection.
{
	my $term = $cluster->status($first)->{term};
	my $most = $cluster->sql($first, 'SHOW max_connections');
	my @clients;

	$cluster->until_true(
		sub {
			push @clients, idle_client($first) for @clients ? 1 : 1 .. $most;	# one may have come too early
			return !defined $cluster->sql_or_error($first, 'SELECT 1');
		}, 'all connections are used');
	like($cluster->{error}, qr/too many clients|remaining connection slots are reserved/, 'S10: no connection is left');
	$cluster->pass_time(2 * PROMISE_S);
	is(role_of($first), 'leader', 'S10: the leader goes on');
	is($cluster->status($first)->{term}, $term, 'S10: in the same term');
	$cluster->kill_postmaster($first);
	is($cluster->until_writable(20, $second), $second, 'S10: and is replaced when it dies');
	@clients = ();
	$cluster->start($first);
	$cluster->until_streaming($first, $second);
	($first, $second) = ($second, $first);
}

# A session that stays open, and what it says.
sub session
{
	my ($name) = @_;
	my $session = { in => '', out => '', err => '' };

	$session->{run} = IPC::Run::start(['psql', '-XAtq', '-h', $cluster->dir, '-p', $cluster->node($name)->{port},
			'-d', 'postgres'], '<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

# Sends lines, and waits until it says the word at their end.
sub say_in
{
	my ($session, $lines) = @_;

	@$session{qw(out err)} = ('', '');
	$session->{in} .= "$lines\\echo done\n";
	return $cluster->until_true(sub { $session->{run}->pump_nb; $session->{out} =~ /done/ }, "the session did $lines");
}

# S24: the leader hears nobody. Whoever reaches it all the same is told why nothing is taken, in a transaction that was
# open before, too.
my $session = session($first);
say_in($session, "BEGIN;\nINSERT INTO t VALUES (666);\n");
kill 'STOP', $cluster->{witnesses}{w1}{pid};
$cluster->freeze($second);
$cluster->until_true(sub { $cluster->sql($first, 'SELECT open FROM haops.fence') eq 'f' }, 'the lease is out');
is($cluster->sql_or_error($first, 'INSERT INTO t VALUES (666)'), undef, 'S24: a new session is refused');
like($cluster->{error}, qr/^ERROR:  the transaction is refused: this server does not hold the lease of the leader
DETAIL:  This server leads term \d+, but no majority of the members answers it.
HINT:  Nothing was committed. Send the transaction again to the leader.$/m, 'S24: with one clear error');
say_in($session, "COMMIT;\n");
like($session->{err}, qr/does not hold the lease of the leader/, 'S24: a transaction that was open is refused');
kill 'CONT', $cluster->{witnesses}{w1}{pid};
$cluster->thaw($second);
$session->{run}->kill_kill;

# And once there is another leader, where it is: here the old one cannot restart, for its postmaster is stopped.
my $leader = $cluster->until_writable;
my ($other) = $cluster->others($leader);
my $stopped = $cluster->postmaster($leader);
$cluster->until_streaming($other, $leader);
$session = session($leader);
say_in($session, "SELECT 1;\n");
kill 'STOP', $stopped;
is($cluster->until_writable(20, $other), $other, 'another leader');
$cluster->until_true(
	sub {
		say_in($session, "INSERT INTO t VALUES (666);\n");
		return $session->{err} =~ /^DETAIL:  The leader of term \d+ is member "$other" at 127.0.0.1, port (\d+)\.$/m
		  && $1 == $cluster->node($other)->{port};
	}, 'the fenced primary names the leader');
like($session->{err}, qr/^HINT:  Nothing was committed\. Send the transaction again to the leader\.$/m,
	'S24: the fenced primary names the leader, and says what to do');
kill 'CONT', $stopped;
$session->{run}->kill_kill;
$cluster->until_streaming($leader, $other);
($first, $second) = ($other, $leader);

# S22: the witness is gone, then the primary.
$cluster->sql($first, 'INSERT INTO t VALUES (1)');
$cluster->until_true(sub { $cluster->sql($second, 'SELECT count(*) FROM t') eq '1' }, 'the row is on both');
end_witness('KILL');
is($cluster->until_writable(20, $first), $first, 'S22: without the witness the leader goes on');
$cluster->kill_postmaster($first);
stays_standby($second, 'S22: the survivor of two faults');
$cluster->start_witness('w1');
is($cluster->until_writable(20, $second), $second, 'S22: it leads as soon as the witness is back');
$cluster->start($first);
$cluster->until_streaming($first, $second);

# S41: all stop; the old primary boots alone.
$cluster->sql($second, 'INSERT INTO t VALUES (2)');
$cluster->until_true(sub { $cluster->sql($first, 'SELECT count(*) FROM t') eq '2' }, 'the row is on both');
end_witness('TERM');
$cluster->stop($first);
$cluster->stop($second);
$cluster->start($second);
stays_standby($second, 'S41: the old primary alone');
$cluster->stop($second);

# S42: all start at once.
$cluster->begin_start($_) for $cluster->names;
$cluster->start_witness('w1');
$leader = $cluster->until_writable(30);
is($cluster->sql($leader, 'SELECT string_agg(i::text, \' \' ORDER BY i) FROM t'), '1 2',
	'S42: a majority elects one that has all that was acknowledged');
$cluster->until_streaming($cluster->others($leader), $leader);
is($cluster->sql($_, 'SELECT count(*) FROM t WHERE i = 666'), '0', 'nothing that was refused is there')
  for $cluster->names;
is(scalar(grep { role_of($_) eq 'leader' } $cluster->names), 1, 'S42: and there is one leader');

undef $cluster;
done_testing();
