# Alerts from rules to receivers: every kind of channel is told, in its own words, of what begins and ends; with
# silences, inhibition, an evaluation that fails, a rule that changes. The numbers are those of the hard cases.
use strict;
use warnings;
use Test::More;
use HaAlerts;

my @vendors = qw(feishu dingtalk wecom slack webhook);
my $story = HaAlerts->new(channels => { (map { ($_ => $_) } @vendors),
		mail => ['mail', 'to = dba@example.com, boss@example.com'] });
my ($cluster, $receiver) = ($story->cluster, $story->receiver);

# ---- A channel is tried ----

$story->until_sql('SELECT count(*) = 6 FROM haops.alert_channel', 'the channels are read');
for my $vendor (@vendors, 'mail')
{
	is($story->sql("SELECT delivered FROM haops.test_alert('$vendor')"), 't', "a test arrives at $vendor")
		or diag($story->sql("SELECT answer FROM haops.test_alert('$vendor')"));
}
like($cluster->sql('n1', "SELECT answer FROM haops.test_alert('nobody')"), qr/no such channel/,
	'an unknown one is named');

# ---- Fires and ends ----

$story->rule('disk', severity => 'critical', description => 'too much is used of {thing}');
$story->wrong('disk', a => 95);
my %first;
for my $channel (@vendors, 'mail')
{
	($first{$channel}) = $story->until_taken($channel, qr/a is at 95/);
	is(scalar @{ $first{$channel}{ids} }, 1, "$channel: a message bears its id");
}
is(scalar(keys %{ { map { ($_->{ids}[0] => 1) } values %first } }), 1, 'the same for all channels');
like($first{feishu}{text}, qr/Achtung/, '6 the keyword stands in it');
is($first{feishu}{colour}, 'red', 'a critical alert is red');
is($story->sql("SELECT state FROM haops.alerts WHERE rule = 'disk'"), 'firing', 'haops.alerts has it');
$story->right('disk', 'a');
for my $channel (@vendors, 'mail')
{
	my ($end) = $story->until_taken($channel, qr/resolved.*a is at 95|a is at 95.*resolved/si);
	is((split /-/, $end->{ids}[0])[0], (split /-/, $first{$channel}{ids}[0])[0],
		"$channel: the end is of the same episode");
}
$story->until_sql("SELECT count(*) = 0 FROM haops.alert_delivery WHERE state <> 'sent'", 'all answers are recorded');
is($story->sql("SELECT deliveries, sent, ended_at IS NOT NULL FROM haops.alert_history WHERE rule = 'disk'"), '12|12|t',
	'the history says who was told');

# ---- What does not last is told to nobody ----

$story->rule('flap', pending_for => '30 s');
for (1 .. 3)
{
	$story->wrong('flap', b => 99);
	$story->until_sql("SELECT count(*) FROM haops.alerts WHERE rule = 'flap' AND state = 'pending'", 'it is pending');
	$story->right('flap', 'b');
	$story->until_sql("SELECT count(*) = 0 FROM haops.alerts WHERE rule = 'flap'", 'it is gone');
}
is(scalar($receiver->taken('feishu', qr/b is at/)), 0, '18 a condition that toggles is not told');

# ---- Silences ----

my $silence = $story->sql(q(SELECT haops.silence('1 hour', 'work', '{"rule": "quiet*", "thing": "!d"}')));
$story->rule('quiet_one');
$story->wrong('quiet_one', c => 91, d => 92);
$story->until_taken('feishu', qr/d is at 92/);
is($story->sql("SELECT muted FROM haops.alerts WHERE labels ->> 'thing' = 'c'"), "silence $silence", 'it is silenced');
is(scalar($receiver->taken('feishu', qr/c is at 91/)), 0, '22 nobody is told');
$story->sql("SELECT haops.unsilence($silence)");
$story->until_taken('feishu', qr/c is at 91/);
pass('22 when the silence ends, those that still fire are told');
$silence = $story->sql(q(SELECT haops.silence('1 hour', 'work')));
$story->right('quiet_one', 'c');
$story->until_taken('feishu', qr/resolved.*c is at 91/s);
pass('22 an end is told when the beginning was');
$story->sql("SELECT haops.unsilence($silence)");

# ---- Inhibition ----

$story->rule('node_down', severity => 'critical',
	query => "SELECT thing AS node, value FROM public.trouble WHERE rule = 'node_down'",
	summary => 'node {node} is down');
$story->rule('lag', inhibited_by => '{node_down}',
	query => "SELECT thing AS node, value FROM public.trouble WHERE rule = 'lag'",
	summary => '{node} lags');
$story->wrong('node_down', n7 => 100);
$story->until_taken('feishu', qr/node n7 is down/);
$story->wrong('lag', n7 => 100, n8 => 100);
$story->until_taken('feishu', qr/n8 lags/);
is(scalar($receiver->taken('feishu', qr/n7 lags/)), 0, '23 what another alert explains is not told');
is($story->sql("SELECT muted FROM haops.alerts WHERE rule = 'lag' AND labels ->> 'node' = 'n7'"),
	'explained by node_down', 'and says so');
$story->right('node_down', 'n7');
$story->until_taken('feishu', qr/n7 lags/);
pass('23 when the node is back, what is still true is told');

# ---- An evaluation that fails ----

$story->rule('fragile', query => "SELECT 1/value AS value, thing FROM public.trouble WHERE rule = 'fragile'",
	threshold => 0.001);
$story->wrong('fragile', e => 5);
$story->until_taken('feishu', qr/e is at 0.2/);
$story->wrong('fragile', e => 0);
$story->until_sql("SELECT state = 'unknown' FROM haops.alerts WHERE rule = 'fragile'", 'it is unknown');
is($story->sql("SELECT known, why FROM haops.alert_evaluation WHERE rule = 'fragile'"), 'f|division by zero',
	'why is said');
is(scalar($receiver->taken('feishu', qr/resolved.*e is at/s)), 0, '20 what is unknown is not resolved');
$story->right('fragile', 'e');
$story->until_taken('feishu', qr/resolved.*e is at/s);
$story->rule('slow', threshold => 0, query => "SELECT thing, value +
	coalesce(length(pg_catalog.pg_sleep(value)::text), 0) AS value FROM public.trouble WHERE rule = 'slow'");
$story->rule('expects', expect_rows => 'true', threshold => 90);
$story->wrong('slow', g => 0.1);
$story->wrong('expects', h => 95);
$story->until_taken('feishu', qr/$_ is at/) for qw(g h);
$story->wrong('slow', g => 60);
$story->right('expects', 'h');
for my $rule ([ slow => 'it took longer than 2000 ms' ], [ expects => 'its query returned no rows' ])
{
	$story->until_sql("SELECT state = 'unknown' FROM haops.alerts WHERE rule = '$rule->[0]'", "$rule->[0] is unknown");
	like($story->sql("SELECT why FROM haops.alert_evaluation WHERE rule = '$rule->[0]'"), qr/$rule->[1]/,
		"20 $rule->[0]: why is said");
}
is(scalar($receiver->taken('feishu', qr/resolved:? [gh] is at/)), 0, '20 nor is what took too long, or gave no row');
$story->sql("DELETE FROM haops.alert_rule WHERE name IN ('slow', 'expects')");

# ---- A rule that changes, or goes ----

$story->wrong('disk', f => 97);
$story->until_taken('feishu', qr/f is at 97/);
$story->sql("DELETE FROM haops.alert_rule WHERE name = 'disk'");
$story->until_taken('feishu', qr/rule was dropped/);
is($story->sql("SELECT reason FROM haops.alert_history WHERE rule = 'disk' AND labels ->> 'thing' = 'f'"),
	'its rule was dropped or disabled', '38 an episode does not outlive its rule');

is($receiver->counts->{all}{limit_exceeded}, 0, '7 no receiver was asked more often than it allows');
is($receiver->counts->{all}{duplicates}, 0, 'nothing came twice');
done_testing();
