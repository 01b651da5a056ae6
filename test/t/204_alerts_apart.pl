# Members that are apart: each in a network namespace of its own, with a way to the receiver that is never cut. A leader
# on the minority's side, standbys that find out together that it is gone, a copy that nobody adopted, standbys that do
# not confirm. The numbers are those of the hard cases.
use strict;
use warnings;
use Test::More;
use HaNet;

my $hindrance = HaNet::own();
plan skip_all => "no network namespaces: $hindrance" if $hindrance;
require HaAlerts;

{
	package Networked;
	our @ISA = ('HaOps');
	my $net;

	sub net
	{
		return $net //= HaNet->new(names => [qw(n1 n2 n3 n4 n5 w1)],
			run => sub { system(@_) == 0 or die "@_ failed\n" });
	}
	sub host { my ($self, $name) = @_; return $self->net->{ip}{$name} }
	sub inside { my ($self, $name, @command) = @_; return ($self->net->inside($name), @command) }
}

my $net = Networked->net;

sub start
{
	my (%args) = @_;
	my $story = HaAlerts->new(class => 'Networked', receiver => { host => HaNet::SWITCH_IP }, %args,
		channels => { ops => 'feishu' });

	$story->cluster->until_streaming($_, 'n1') for grep { $_ ne 'n1' } $story->cluster->names;
	return ($story, $story->cluster, $story->receiver);
}

sub told { my ($receiver, $pattern) = @_; return scalar(() = $receiver->taken('feishu', $pattern)) }

# ---- A power cut, with one standby, and with four ----

for my $size ([ 2, 1 ], [ 5, 0 ])
{
	my ($story, $cluster, $receiver) = start(nodes => $size->[0], witnesses => $size->[1]);
	my $standbys = $size->[0] - 1;

	$net->unplug('n1');
	$cluster->kill_postmaster('n1');
	my $leader = $cluster->until_writable(30, $cluster->others('n1'));
	$story->until_taken('feishu', qr/failover: $leader leads now/);
	$cluster->pass_time(12);
	is(told($receiver, qr/failover: $leader/), 1, "14 $standbys standbys: one of them tells of it, once");
	$net->plug('n1');
}

# ---- A partition, with the leader on the minority's side ----

my ($story, $cluster, $receiver) = start(nodes => 3, sync => 1);
$story->rule('r', severity => 'critical', repeat_every => '0');
$story->wrong('r', lasting => 95);
my ($first) = $story->until_taken('feishu', qr/firing: lasting is at 95/);
$story->until_sql("SELECT count(*) = 0 FROM haops.alert_delivery WHERE state <> 'sent'", 'it is recorded');
$cluster->until_true(sub {
	$cluster->sql($_, "SELECT count(*) FROM haops.alert_delivery WHERE state = 'sent'") or return 0 for qw(n2 n3);
	return 1;
}, 'the standbys have it');
$net->cut_off('n1', qw(n2 n3));
my $leader = $cluster->until_writable(30, qw(n2 n3));
$story->until_taken('feishu', qr/majority lost: n1 refuses writes/);
$story->until_taken('feishu', qr/failover: $leader leads now/);
$cluster->sql($leader, "INSERT INTO trouble VALUES ('r', 'during', 95)");
$story->until_taken('feishu', qr/firing: during is at 95/);
$net->heal('n1');
$cluster->until_streaming('n1', $leader);
$cluster->pass_time(5);
is(told($receiver, qr/lasting is at 95/), 1, '15 what fired before is told once, on neither side again');
is(told($receiver, qr/during is at 95/), 1, '15 what began meanwhile, too');
is(told($receiver, qr/majority lost: n1/), 1, '15 the side without a majority says that, once');
is(told($receiver, qr/failover: $leader/), 1, '15 the other one who leads, once');

# ---- A copy of a member ----

my $dir = $cluster->dir;
my ($copied) = grep { $_ ne $leader } qw(n2 n3);
$cluster->stop($copied);
$cluster->run_ok('cp', '-a', $cluster->data($copied), "$dir/copy");
$cluster->start($copied);
$cluster->until_streaming($copied, $leader);
open(my $conf, '>>', "$dir/copy/postgresql.conf") or die $!;
print $conf 'port = ' . HaOps::free_port() . "\nlisten_addresses = ''\n";
close $conf;
my $count = () = $receiver->seen;
$cluster->run_ok($cluster->inside('n4', 'pg_ctl', '-D', "$dir/copy", '-l', "$dir/copy.log", '-w', 'start'));
$cluster->until_logged('copy', qr/takes no part and stays fenced/);
$cluster->pass_time(15);
is(scalar(() = $receiver->seen), $count, '32 a copy that nobody adopted tells nobody anything');
$cluster->run_ok('pg_ctl', '-D', "$dir/copy", '-m', 'immediate', '-w', 'stop');

# ---- Standbys that confirm nothing ----

$story->rule('waits', severity => 'critical', threshold => 0, summary => '{value} commits wait',
	query => "SELECT count(*) AS value FROM pg_catalog.pg_stat_activity
		WHERE backend_type = 'client backend' AND wait_event = 'SyncRep'");
my @frozen = map { my $name = $_; grep { `ps -o args= -p $_` =~ /walreceiver/ } $cluster->pids($name) }
	grep { $_ ne $leader } qw(n1 n2 n3);
kill 'STOP', @frozen;
my $client = $cluster->session($leader);
$client->begin("INSERT INTO trouble VALUES ('none', 'x', 1)");
$story->until_taken('feishu', qr/1 commits wait/);
pass('alerts do not wait for the standbys that they tell of');
kill 'CONT', @frozen;
$story->until_taken('feishu', qr/resolved: 1 commits wait/);
is($receiver->counts->{all}{limit_exceeded}, 0, 'no receiver was asked more often than it allows');
done_testing();
