# S12, S15, S17, S20, S23: five voters (three nodes, two witnesses), one synchronous standby, each in a namespace
# of its own. The leader is cut off with a minority or alone, hears nothing but is heard, flaps, loses its power, while
# a client of its own goes on writing to it: one leader at any moment, and nothing that was acknowledged is lost.
use strict;
use warnings;
use Test::More;
use HaNet;
use HaOps;

my $hindrance = HaNet::own();
plan skip_all => "no network namespaces: $hindrance" if $hindrance;

{
	package Networked;
	our @ISA = ('HaOps');
	my $net;

	sub net
	{
		return $net //= HaNet->new(names => [qw(n1 n2 n3 w1 w2)],
			run => sub { system(@_) == 0 or die "@_ failed\n" });
	}
	sub host { my ($self, $name) = @_; return $self->net->{ip}{$name} }
	sub inside { my ($self, $name, @command) = @_; return ($self->net->inside($name), @command) }
}

my $cluster = Networked->new(nodes => 3, witnesses => 2, sync => 1,
	options => "pg_haops.promise = 1s\npg_haops.beat = 100ms\npg_haops.fence_wait = 100ms");
my $net = $cluster->net;
my @everybody = qw(n1 n2 n3 w1 w2);
my $rows = 0;

sub but { my (@not) = @_; return grep { my $name = $_; !grep { $_ eq $name } @not } @everybody }
sub term { return $cluster->status($_[0])->{term} }

sub slurp
{
	my ($path) = @_;

	open(my $in, '<', $path) or die "$path: $!";
	local $/ = undef;
	return <$in> // '';
}

# A client that commits row after row, and what it was told; it stays with its node.
sub writer
{
	my ($name) = @_;
	my $writer = { map { $_ => $cluster->dir . "/writer.$_" } qw(in out err) };

	open(my $in, '>', $writer->{in}) or die $!;
	print $in "\\set VERBOSITY terse\n", map { "INSERT INTO t VALUES ($_) RETURNING i;\n" } $rows + 1 .. $rows + 20000;
	close $in;
	$rows += 20000;
	$writer->{run} = IPC::Run::start(['psql', '-XAtq', '-h', $cluster->dir, '-p', $cluster->node($name)->{port},
			'-d', 'postgres'], '<', $writer->{in}, '>', $writer->{out}, '2>', $writer->{err});
	$cluster->until_true(sub { acked($writer) > 20 }, "$name acknowledges");
	return $writer;
}

sub acked { my ($writer) = @_; return scalar(() = slurp($writer->{out}) =~ /\n/g) }

# What the fault must lead to: another leader among these. Then the fault is undone and the old leader comes back; since
# the other one took writes it has acknowledged nothing. Its client still tries, or waits for the standby: until it is
# disconnected. All that was acknowledged is there.
sub replaced
{
	my ($what, $old, $writer, $undo, @among) = @_;
	my $new = $cluster->until_writable(30, @among);
	my $last = acked($writer);

	isnt($new, $old, "$what: another leader");
	$undo->();
	$cluster->until_streaming($old, $new);
	is(acked($writer), $last, "$what: the old leader acknowledges nothing once the new one takes writes");
	like(slurp($writer->{err}), qr/does not hold the lease|without an acknowledgement|terminating|closed/,
		"$what: its client is told");
	$writer->{run}->kill_kill;
	all_there($what, $new, $writer);
	return $new;
}

sub all_there
{
	my ($what, $leader, $writer) = @_;
	my @acked = split(/\n/, slurp($writer->{out}));
	my %there = map { $_ => 1 } split(/\n/, $cluster->sql($leader, 'SELECT i FROM t'));

	is(scalar(grep { !$there{$_} } @acked), 0, "$what: all " . @acked . ' acknowledged rows are there');
	return;
}

my $leader = $cluster->until_writable;
$cluster->sql($leader, 'CREATE EXTENSION pg_haops');
$cluster->sql($leader, 'CREATE TABLE t (i int)');
$cluster->until_streaming($_, $leader) for $cluster->others($leader);

# S23: cuts that are shorter than a promise, of the leader from all others and of a standby.
{
	my $term = term($leader);
	my $writer = writer($leader);

	for my $round (1 .. 4)
	{
		my $who = $round % 2 ? $leader : ($cluster->others($leader))[0];

		$net->cut_off($who);
		$cluster->pass_time(0.25);
		$net->heal($who);
		$cluster->until_true(sub { $cluster->sql($leader, 'SELECT open FROM haops.fence') eq 't' }, 'it leads');
		$cluster->pass_time(0.5);
	}
	is(term($leader), $term, 'S23: a link that flaps costs no term');
	my $before = acked($writer);
	$cluster->until_true(sub { acked($writer) > $before }, 'the client goes on');
	$writer->{run}->kill_kill;
	all_there('S23', $leader, $writer);
}

# S20: the leader and a witness on one side, two nodes and a witness on the other.
{
	my $writer = writer($leader);

	$net->cut_off($_, but($leader, 'w1')) for $leader, 'w1';
	$leader = replaced('S20', $leader, $writer, sub { $net->heal($_) for $leader, 'w1' }, $cluster->others($leader));
}

# S15: the leader alone.
{
	my $writer = writer($leader);

	$net->cut_off($leader);
	$leader = replaced('S15', $leader, $writer, sub { $net->heal($leader) }, $cluster->others($leader));
}

# S17: the leader's beats arrive, and no answer does.
{
	my $writer = writer($leader);

	$net->cut($leader, in => [but($leader)]);
	$leader = replaced('S17', $leader, $writer, sub { $net->heal($leader) }, $cluster->others($leader));
}

# S12: no power: not a word, not even that a port is closed. The old leader is not started again.
{
	my $writer = writer($leader);
	my @pids = $cluster->pids($leader);

	$net->unplug($leader);
	kill 'KILL', @pids;
	my $began = Time::HiRes::time();
	my $new = $cluster->until_writable(30, $cluster->others($leader));
	cmp_ok(Time::HiRes::time() - $began, '<', 15, 'S12: replaced by silence alone');
	$writer->{run}->kill_kill;
	all_there('S12', $new, $writer);
}

undef $cluster;
done_testing();
