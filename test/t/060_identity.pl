# S51, S52, S58: two nodes and a witness. A copy of a member is started beside it and is inert; an old state file is
# written over a member's own, which the leader notices and does not count; a member of a release that speaks other
# versions of the protocol is told so, and tells so, in one line.
use strict;
use warnings;
use Test::More;
use Digest::SHA ();
use HaOps;
use IO::Socket::INET;

my $cluster = HaOps->new(nodes => 2, witnesses => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms");
my $dir = $cluster->dir;

sub term { return $cluster->status($_[0])->{term} }

sub slurp
{
	my ($path) = @_;

	open(my $in, '<:raw', $path) or die "$path: $!";
	local $/ = undef;
	return scalar <$in>;
}

my $leader = $cluster->until_writable;
my ($other) = $cluster->others($leader);
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int)');
$cluster->until_streaming($other, $leader);

# ---- S51 ----
{
	my $copy = "$dir/copy";
	my $port = HaOps::free_port();
	my @psql = ('psql', '-XAtq', '-h', $dir, '-p', $port, '-d', 'postgres', '-c');

	$cluster->stop($other);
	$cluster->run_ok('cp', '-a', $cluster->data($other), $copy);
	$cluster->start($other);
	open(my $conf, '>>', "$copy/postgresql.conf") or die $!;
	print $conf "port = $port\n";
	close $conf;
	$cluster->run_ok('pg_ctl', '-D', $copy, '-l', "$dir/copy.log", '-w', 'start');
	$cluster->until_streaming($other, $leader);

	# The leader dies: the copy has a voice as little as it has before.
	$cluster->kill_postmaster($leader);
	is($cluster->until_writable(20, $other), $other, 'S51: the member is elected beside its copy');
	is($cluster->run_ok(@psql, 'SELECT pg_is_in_recovery()'), "t\n", 'S51: the copy stays a standby');
	my ($status) = $cluster->run(@psql, 'INSERT INTO t VALUES (666)');
	isnt($status, 0, 'S51: that takes no write');
	like($cluster->log_of('copy'), qr/takes no part and stays fenced/, 'S51: and says why');
	unlike($cluster->log_of('copy'), qr/would the others vote|was elected/, 'S51: it has not stood');
	unlike($cluster->log_of('w1'), qr/speak as member number/, 'S51: nor spoken');
	$cluster->run_ok('pg_ctl', '-D', $copy, '-m', 'immediate', '-w', 'stop');
	$cluster->start($leader);
	$cluster->until_streaming($leader, $other);
	($leader, $other) = ($other, $leader);
}

# ---- S52 ----

# Into the same file, as a restored disk would have it: the binding can't see that.
sub write_over
{
	my ($path, $bytes) = @_;

	open(my $out, '+<:raw', $path) or die "$path: $!";
	truncate $out, 0;
	print $out $bytes;
	close $out;
	return;
}

sub restart
{
	my ($name) = @_;

	$cluster->stop($name);
	$cluster->start($name);
	$cluster->until_streaming($name, $leader);
	return;
}

{
	my $path = $cluster->state_file($other, 'state');

	$cluster->stop($other);
	my $old = slurp($path);
	$cluster->start($other);
	restart($other);
	$cluster->stop($other);
	my $new = slurp($path);
	isnt($new, $old, 'the state has changed');
	write_over($path, $old);
	my $from = length $cluster->log_of($leader);
	$cluster->start($other);
	$cluster->until_logged($leader, qr/"$other" came back with an older state than it had: it is not counted/, $from);
	pass('S52: the leader says that the state went back');

	# Not counted: with it alone, the leader has no majority.
	kill 'STOP', $cluster->{witnesses}{w1}{pid};
	$cluster->until_true(sub { $cluster->sql($leader, 'SELECT open FROM haops.fence') eq 'f' }, 'the lease is out');
	is($cluster->sql_or_error($leader, 'INSERT INTO t VALUES (666)'), undef, 'S52: and it gives no lease');
	kill 'CONT', $cluster->{witnesses}{w1}{pid};
	is($cluster->until_writable(20, $leader), $leader, 'S52: the others go on');

	$cluster->stop($other);
	write_over($path, $new);
	$cluster->start($other);
	$cluster->until_streaming($other, $leader);
}

# ---- S58 ----

use constant { HEAD => 'VVvva16Q<Va16Q<VQ<Q<', MAGIC => 0x46414850, HELLO => 1, HELLO_R => 2, MAC_BYTES => 32 };

my $key = pack('H64', slurp($cluster->key));

# A frame of the handshake, signed. It has this layout in every version of the protocol.
sub frame
{
	my ($type, $cluster_id, $system, $from, $to, $session, $body) = @_;
	my $frame = pack(HEAD, 0, MAGIC, 0, $type, $cluster_id, $system, @$from, $to, $session, 0) . $body;

	substr($frame, 0, 4) = pack('V', length($frame) - 4 + MAC_BYTES);
	return $frame . Digest::SHA::hmac_sha256($frame, $key);
}

sub read_frame
{
	my ($socket) = @_;
	my $frame = '';

	local $SIG{ALRM} = sub { die "no frame came\n" };
	alarm 20;
	while (length($frame) < 4 || length($frame) < 4 + unpack('V', $frame))
	{
		sysread($socket, $frame, 65536, length $frame) or die 'the connection was closed';
	}
	alarm 0;
	return $frame;
}

sub refusals { return scalar(() = $cluster->log_of($_[0]) =~ /no version of the protocol in common/g) }

my $nobody = [ 0, "\0" x 16, 0 ];

# It comes to us: ten times.
for my $time (1 .. 10)
{
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $cluster->node($leader)->{peer}) or die $!;

	syswrite $socket, frame(HELLO, "\0" x 16, 0, $nobody, 0, 0, pack('vva32', 2, 9, 'n' x 32));
	my (undef, undef, undef, $type) = unpack(HEAD, my $reply = read_frame($socket));
	my ($refusal, $version) = unpack('Cv', substr($reply, length pack(HEAD, (0) x 4, '', 0, 0, '', (0) x 5)));
	is("$type $refusal $version", HELLO_R . ' 1 1', 'S58: a newer member is refused, and told which version is spoken')
	  if $time == 1;
}
$cluster->until_logged($leader,
	qr/the connection from 127\.0\.0\.1:\d+ was cut: the two ends have no version of the protocol/);
is(refusals($leader), 1, 'S58: in one line of the log, however often it comes');

# We come to it: the witness is of a newer release.
{
	my $port = $cluster->{witnesses}{w1}{port};
	my $term = term($leader);
	my $from = length $cluster->log_of($leader);
	my $pid = $cluster->{witnesses}{w1}{pid};
	my $heard = 0;

	kill 'TERM', $pid;
	$cluster->until_true(sub { !$cluster->lives($pid) }, 'the witness has ended');
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1)
	  or die $!;
	while ($heard < 6)
	{
		my $socket = $listener->accept or die $!;
		my $hello = read_frame($socket);
		my (undef, undef, undef, undef, $cluster_id, $system, $id, $incarnation, $run, $to) = unpack(HEAD, $hello);
		my (undef, undef, $nonce) = unpack('vva32', substr($hello, length pack(HEAD, (0) x 4, '', 0, 0, '', (0) x 5)));

		syswrite $socket, frame(HELLO_R, $cluster_id, 0, [ $to, 'w' x 16, 1 ], $id, 7,
			pack('Cva32a32', 1, 2, $nonce, 'n' x 32));
		$heard++;
	}
	$cluster->until_logged($leader,
		qr/member w1 can not be reached at \S+: the two ends have no version of the protocol/, $from);
	is(refusals($leader), 2, 'S58: the other way round, in one line too');
	is($cluster->until_writable(20), $leader, 'S58: the cluster goes on without it');
	is(term($leader), $term, 'S58: in the same term');
	close $listener;
	$cluster->start_witness('w1');
	$cluster->until_logged($leader, qr/member w1 can be reached/, $from);
	pass('S58: and it is back as soon as it speaks the same version');
}

undef $cluster;
done_testing();
