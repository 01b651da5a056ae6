# Alerts through crashes and failovers: what was to be told is told, by whoever leads then, with the same id; who may
# not speak is silent. The numbers are those of the hard cases.
use strict;
use warnings;
use Test::More;
use Time::HiRes ();
use HaAlerts;

my $story = HaAlerts->new(nodes => 3, channels => { ops => 'feishu', web => 'webhook' });
my ($cluster, $receiver) = ($story->cluster, $story->receiver);
my $waiting = "SELECT count(*) = 0 FROM haops.alert_delivery WHERE state <> 'sent'";

$cluster->until_streaming($_, 'n1') for qw(n2 n3);

# All messages of one kind about a thing, oldest first.
sub about { my ($channel, $pattern) = @_; return $receiver->taken($channel, $pattern) }

# ---- What the nodes find on their own ----

$story->rule('everywhere', evaluate_on => 'every node', severity => 'info',
	query => "SELECT 1 AS value WHERE EXISTS (SELECT FROM public.trouble WHERE rule = 'everywhere')", threshold => 0,
	summary => 'seen on {node}');
$story->wrong('everywhere', x => 1);
$story->until_taken('feishu', qr/seen on $_/, 1, 90) for qw(n1 n2 n3);
pass('each node evaluates such a rule; its alerts bear its name');
$story->right('everywhere', 'x');
$story->until_taken('feishu', qr/resolved.*seen on $_/s, 1, 90) for qw(n1 n2 n3);

# ---- A failover while an alert fires ----

$story->rule('lasting', repeat_every => '1 day');
$story->wrong('lasting', a => 95);
my ($first) = $story->until_taken('feishu', qr/a is at 95/);
$story->until_sql($waiting, 'the answers are recorded');
$cluster->until_true(sub { $cluster->sql('n2', "SELECT count(*) FROM haops.alert_delivery WHERE state = 'sent'") >= 2 },
	'n2 has them');
$cluster->kill_postmaster('n1');
my $leader = $cluster->until_writable(30, qw(n2 n3));
$story->until_taken('feishu', qr/failover: $leader leads now/);
is(scalar(about('feishu', qr/failover: $leader/)), 1, '14 the failover is told of once');
my $evaluates = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_haops alerts' AND backend_xid IS NULL";
$cluster->until_true(sub { $cluster->sql($leader, $evaluates) }, 'the new leader evaluates');
$story->right('lasting', 'a');
my ($end) = $story->until_taken('feishu', qr/resolved.*a is at 95/s);
is((split /-/, $end->{ids}[0])[0], (split /-/, $first->{ids}[0])[0],
	'16 the new leader tells the end of the same episode');
is(scalar(about('feishu', qr/: firing: a is at 95/)), 1, '16 and not its beginning again')
	or diag(map { "$_->{text}\n----\n" } about('feishu', qr/a is at 95/));
$cluster->start('n1');
$cluster->until_streaming('n1', $leader);

# ---- The sender is killed between the receiver's answer and ours ----

$receiver->control({ channel => 'feishu', what => 'delay', delay_s => 2 });
$story->wrong('lasting', b => 95);
$receiver->wait_for(sub { grep { ($_->{fault} // '') eq 'delay' } $receiver->seen('feishu') }, 'the message is there');
kill 'KILL', $story->worker($leader, 'sender');
$leader = $cluster->until_writable(30);
$story->until_sql("SELECT count(*) = 2 FROM haops.alert_delivery d JOIN haops.alert_episode e USING (episode)"
		. " WHERE e.labels ->> 'thing' = 'b' AND d.state = 'sent'", 'both are sent in the end');
my @b = about('feishu', qr/b is at 95/);
cmp_ok(scalar @b, '<=', 2, '12 killed before the answer was recorded: told once more at the most');
cmp_ok(scalar @b, '>=', 1, '12 and never not at all');
is(scalar(keys %{ { map { ($_->{ids}[0] => 1) } @b } }), 1, '12 with the same id');

# ---- The postmaster is killed with many waiting ----

$receiver->control({ channel => '*', what => 'answer', status => 503, body => '', seconds => 600 });
$story->wrong('lasting', map { (sprintf('m%02d', $_) => 95) } 1 .. 50);
$story->until_sql("SELECT count(*) = 50 FROM haops.alerts WHERE labels ->> 'thing' LIKE 'm%' AND state = 'firing'",
	'fifty fire');
$leader = $story->leader;
$cluster->kill_postmaster($leader);
my $next = $cluster->until_writable(30);
$cluster->start($leader);
$cluster->until_streaming($leader, $next);
$leader = $next;
$receiver->control({ clear => '*' });
for my $thing (map { sprintf('m%02d', $_) } 1 .. 50)
{
	$story->until_taken('feishu', qr/$thing is at 95/, 1, 120);
}
pass('13 all fifty are told after it');
my %ids;
$ids{$_}++ for map { @{ $_->{ids} } } about('feishu', qr/m\d\d is at 95/);
is(scalar(keys %ids), 50, '13, 17 and each has one id, however often it was told');

# ---- Restarts repeat nothing ----

my $told = scalar about('feishu', qr/b is at 95/);
$story->until_sql($waiting, 'all is sent');
$story->rule('slow', pending_for => '8 s');
$story->wrong('slow', p => 95);
$story->until_sql("SELECT count(*) FROM haops.alerts WHERE rule = 'slow' AND state = 'pending'", 'it is pending');
my $since = $story->sql("SELECT starts_at FROM haops.alerts WHERE rule = 'slow'");
my ($worker) = $story->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_haops alerts'");
kill 'TERM', $worker;
my ($late) = $story->until_taken('feishu', qr/p is at 95/);
is($story->sql("SELECT starts_at FROM haops.alerts WHERE rule = 'slow'"), $since,
	'19 a restart keeps the time of pending');
like($story->sql("SELECT fired_at - starts_at FROM haops.alerts WHERE rule = 'slow'"), qr/^00:00:(08|09|10|11)/,
	'19 up to an interval');
is(scalar(about('feishu', qr/b is at 95/)), $told, '19 and repeats nothing');

# ---- A primary that is cut off says that it is fenced, and nothing else ----

my @others = grep { $_ ne $leader } qw(n1 n2 n3);
$cluster->freeze($_) for @others;
$story->until_taken('feishu', qr/majority lost: $leader refuses writes/);
pass('33 a fenced leader says so');
$cluster->thaw($_) for @others;
$cluster->until_writable(30);

# ---- All members lose their power at once, before anybody could be told ----

$leader = $story->leader;
$receiver->control({ channel => '*', what => 'answer', status => 503, body => '', seconds => 600 });
$cluster->kill_postmaster($leader);
$next = $cluster->until_writable(30, grep { $_ ne $leader } qw(n1 n2 n3));
my $term = $cluster->sql($next, "SELECT max(term) FROM haops.events WHERE member = '$next'");
my $telling = qr/failover: $next leads now/;
my $told_before = about('feishu', $telling);
$cluster->until_true(sub {
	open(my $spool, '<', $cluster->state_file($next, 'events')) or return 0;
	local $/ = undef;
	return <$spool> =~ /takes writes as the leader of term $term/;
}, 'it is on disk');
$cluster->kill_postmaster($_) for grep { $_ ne $leader } qw(n1 n2 n3);
is(scalar(about('feishu', $telling)), $told_before, 'nobody was told of this failover');
$receiver->control({ clear => '*' });
$cluster->begin_start($_) for qw(n1 n2 n3);
$cluster->until_writable(30);
$story->until_taken('feishu', $telling, $told_before + 1, 90);
pass('what nobody was told of outlives a power cut of all');

is($receiver->counts->{all}{limit_exceeded}, 0, 'no receiver was asked more often than it allows');
done_testing();
