#
# The demo's story; demo/run sets its environment up. Made of the same parts as bench/failover.
#
use strict;
use warnings;
use Bench qw(now wait_for);
use Fcntl;
use IO::Handle;
use IPC::Open2;
use POSIX ();

STDOUT->autoflush(1);
my ($place, $bin, $port) = @ENV{qw(PLACE BIN PORT)};
my $cluster = Bench->new(cluster => 'demo', mode => 'async', topology => '2w', port => $port);
my $done = 0;
my $step = 0;
my $script_began = now();
END { my $status = $?; $cluster->remove if $cluster && !$done; $? = $status }
$SIG{INT} = $SIG{TERM} = sub { exit 130 };

sub headline
{
	printf("\n%d. %s\n", ++$step, $_[0]);
	return;
}

sub say_line { print "   $_[0]\n"; return }

sub show
{
	my ($node, $statement) = @_;

	open(my $rows, '-|', "$bin/psql", '-Xq', '-P', 'footer=off', '-d', $cluster->conninfo($node), '-c', $statement)
		or die "psql: $!\n";
	while (my $row = <$rows>)
	{
		print "   $row" if $row =~ /\S/;
	}
	close $rows;
	return;
}

# ---- The client: bench/prober, one session for each node and one that goes to whoever takes writes ----

my ($in, $out, $buffer) = (undef, undef, '');
my (@acks, %state, %streams);

sub start_client
{
	my @nodes = map { "$_->{name}=" . $cluster->conninfo($_) } $cluster->nodes;

	open2($out, $in, "$place/prober", '--interval-ms', 5, @nodes);
	fcntl($out, F_SETFL, O_NONBLOCK);
	return;
}

sub pump
{
	my ($seconds) = @_;
	my $until = now() + $seconds;

	do
	{
		my $ready = '';
		vec($ready, fileno($out), 1) = 1;
		select($ready, undef, undef, 0.02);
		while (sysread($out, my $part, 65536)) { $buffer .= $part }
		while ($buffer =~ s/^(.*)\n//)
		{
			my ($what, $us, @word) = split ' ', $1;
			push @acks, [ $us / 1e6, @word[ 0 .. 2 ] ] if $what eq 'ack';
			next unless $what eq 'node';
			$state{ $word[0] } = $word[1];
			$streams{ $word[0] } = { map { $_ => 1 } split /,/, $word[2] };
		}
		$cluster->supervise;
	} while (now() < $until);
	return;
}

sub idle { return pump(0.01) }

sub primary
{
	my ($name) = grep { $state{$_} eq 'primary' } keys %state;
	return $name && @acks && $acks[-1][2] eq $name && $acks[-1][0] > now() - 0.5 ? $name : undef;
}

sub until_whole
{
	my ($seconds) = @_;

	return wait_for('all nodes to follow one primary', $seconds, sub {
		my $name = primary() or return;
		return if grep { $_->{name} ne $name && !$streams{$name}{ $_->{name} } } $cluster->nodes;
		return $name;
	}, \&idle);
}

# Time zero of a fault on the clock of the events (the wall clock), and what each member said since then.
sub tell_events
{
	my ($node, $wall, $title) = @_;
	my $rows = $cluster->sql($node,
		"SELECT round(extract(epoch FROM time) * 1000 - $wall * 1000) || '|' || member || '|'"
		. " || message FROM haops.events WHERE extract(epoch FROM time) >= $wall ORDER BY time LIMIT 14");

	say_line(sprintf('%8s  %-6s %s', 'ms', 'member', $title));
	for my $row (split /\n/, $rows)
	{
		my ($ms, $member, $text) = split /\|/, $row, 3;
		say_line(sprintf('%8d  %-6s %s', $ms, $member, $text));
	}
	return;
}

sub first_by_another
{
	my ($old, $since) = @_;
	for my $ack (@acks) { return $ack if $ack->[0] > $since && $ack->[2] ne $old }
	return;
}

sub lost
{
	my ($node) = @_;
	my %there = map { $_ => 1 } split /\n/, $cluster->sql($node, "SELECT client || ' ' || seq FROM haops_bench");

	return scalar grep { !$there{"$_->[1] $_->[3]"} } @acks;
}

# ---- The webhook receiver, and the settings that point to it ----

my $receiver_pid;

sub start_receiver
{
	my $secret = "$place/work/webhook-secret";

	umask 077;
	open(my $file, '>', $secret) or die "$secret: $!\n";
	print $file "demo-secret\n";
	close $file;
	mkdir "$place/work/channels";
	open($file, '>', "$place/work/channels/team.conf") or die "team.conf: $!\n";
	printf $file "type = feishu\nurl = http://127.0.0.1:%d/open-apis/bot/v2/hook/demo\nsecret = demo-secret\n"
		. "local = on\n", $port + 9;
	close $file;
	umask 022;
	$receiver_pid = fork() // die "fork: $!\n";
	if ($receiver_pid == 0)
	{
		open(STDOUT, '>', "$place/work/receiver.log");
		open(STDERR, '>&', \*STDOUT);
		POSIX::setsid();
		chdir "$place/work";
		exec("$place/receiver/run", '--port', $port + 9, map({ ("--$_-port", -1) } qw(tls smtp smtps)),
			'--dir', "$place/work/alerts", '--secret-feishu', "\@$secret", '--print') or POSIX::_exit(1);
	}
	return "pg_haops.channel_directory = '$place/work/channels'\n";
}

sub configure
{
	my ($node, $lines) = @_;

	open(my $conf, '>>', "$node->{dir}/postgresql.conf") or die "postgresql.conf: $!\n";
	print $conf $lines;
	close $conf;
	system("$bin/pg_ctl", '-s', '-D', $node->{dir}, 'reload');
	return;
}

# ---- The story ----

headline('Two nodes and a witness');
my $webhook = start_receiver();
$cluster->build;
configure($_, $webhook) for $cluster->nodes;
my $n1 = $cluster->member('n1');
$cluster->sql($n1, 'CREATE EXTENSION pg_haops');
$cluster->sql($n1, 'CREATE TABLE haops_bench (client text, seq bigint, PRIMARY KEY (client, seq))');
say_line(sprintf('built in %.1f s with: pg_haops create, pg_haops join, pg_haops witness', now() - $script_began));

headline('A third node joins');
my $n4 = {
	name => 'n4', dir => "$place/work/n4", log => "$place/work/n4.log", host => '127.0.0.1', sql_port => $port + 4,
	peer_port => $port + 14, witness => 0,
};
push @{ $cluster->{members} }, $n4;
my $began = now();
$cluster->program($n4, 'join', '--key', "$n1->{dir}/pg_haops/pgsql_tmp/key", '--through',
	"$n1->{host}:$n1->{peer_port}", $cluster->place_of($n4), '--start');
configure($n4, $webhook);
say_line(sprintf('cloned, started, streaming and voting after %.1f s', now() - $began));
start_client();
until_whole(60);
pump(2);
show($cluster->member(primary()),
	'SELECT member, kind, role, state, term, timeline, lsn, lag_bytes, lease FROM haops.cluster');

headline('kill -9 of the primary\'s postmaster, while a client writes a row every 5 ms');
my $old = primary();
my ($at, $wall) = (now(), Time::HiRes::time());
$cluster->kill_postmaster($cluster->member($old));
$cluster->start($cluster->member($old));
my $first = wait_for('another primary', 60, sub { first_by_another($old, $at) }, \&idle);
pump(1);
my $new = $cluster->member($first->[2]);
tell_events($new, $wall, 'what was said');
say_line(sprintf('%8d  %-6s the client\'s first acknowledged row', ($first->[0] - $at) * 1000, $first->[2]));

headline('The old primary comes back by itself');
until_whole(60);
say_line(sprintf('%s streams from %s, %.1f s after it was killed', $old, primary(), now() - $at));
say_line(sprintf('%d rows were acknowledged so far, %d of them are missing', scalar @acks, lost($new)));

headline('The primary is frozen (SIGSTOP of all its processes), and later thawed');
$old = primary();
($at, $wall) = (now(), Time::HiRes::time());
$cluster->freeze($cluster->member($old));
$first = wait_for('another primary', 60, sub { first_by_another($old, $at) }, \&idle);
say_line(sprintf('%s took over: first acknowledged row after %.2f s (the promise is 3 s)',
	$first->[2], $first->[0] - $at));
pump(2);
$cluster->thaw($cluster->member($old));
until_whole(60);
pump(1);
my $dual = grep { $_->[2] eq $old && $_->[0] > $first->[0] } @acks;
say_line("$old was thawed, and is a standby of " . primary());
say_line("rows acknowledged by $old after $first->[2]'s first one: $dual");

headline('What a DBA sees, on any node');
my $leader = $cluster->member(primary());
print "   SELECT * FROM haops.readiness;\n";
show($leader, 'SELECT * FROM haops.readiness');
print "   SELECT time, member, kind, message FROM haops.events LIMIT 5;\n";
show($cluster->member($old), "SELECT time::time(0), member, kind, message FROM haops.events LIMIT 5");

headline('The alert as the receiver got it (signed; shown as text)');
say_line(sprintf('they stand at http://127.0.0.1:%d/ too; from the receiver\'s log:', $port + 9));
if (open(my $log, '<', "$place/work/receiver.log"))
{
	local $/ = '';				# a card is a paragraph
	my @shown = grep { /failover/ } <$log>;
	splice(@shown, 1);
	print map { s/^/   /mgr } @shown;
	close $log;
}

# A supervisor goes on in the background, so that what is killed by hand comes back.
$done = 1;
my $keeper = fork() // die "fork: $!\n";
if ($keeper == 0)
{
	POSIX::setsid();
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>', "$place/work/supervisor.log");
	open(STDERR, '>&', \*STDOUT);
	close $in;
	open(my $file, '>', "$place/supervisor.pid") or POSIX::_exit(1);
	print $file "$$\n";
	close $file;
	while (1)
	{
		# What the story started is not this process's child: a pid file tells.
		for my $node ($cluster->nodes) { delete $node->{pid} if !$cluster->postmaster($node) }
		$cluster->supervise;
		select(undef, undef, undef, 0.2);
	}
}
close $in;
printf("\nThat took %.0f s. The cluster goes on running:\n", now() - $script_began);
print "   $bin/psql -d '" . $cluster->conninfo($leader) . "'\n";
print "   $bin/pg_haops status --data $leader->{dir}\n";
print "   kill -9 \$(head -1 $leader->{dir}/postmaster.pid)      and look again\n";
print "   make demo-stop                                        ends it and removes it\n";
